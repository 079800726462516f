# SPDX-License-Identifier: BSD-2-Clause
#
# What a page tells its reader to do, as calls of shell functions:
#
#     run root|user COMMAND OUTPUT    what is typed, and the lines shown below it
#     file PATH TEXT                  what is to be in a file
#     needs PROGRAM                   the rest of the section is for who has it
#     section TITLE
#
# In a manual page's source (scdoc) that is, in literal blocks, lines that
# begin with "# " (root) or "$ " (a user); a command goes on where a line ends
# with a backslash. A block after the comment "; file: PATH" is that file, and
# the text above has to name it; "; needs: PROGRAM" stands behind a heading;
# "; run: root" makes every line of the next block a command.
# In Markdown (-v markdown=1) every line of a block fenced as "sh" is root's
# command, and a comment "<!-- file: PATH -->" stands before a file's block.

function quoted(text)
{
	gsub(/'/, "'\\''", text)
	return "'" text "'"
}

function wrong(what)
{
	print FILENAME ":" FNR ": " what >"/dev/stderr"
	failed = 1
	exit
}

function end_command()
{
	if (command != "")
		print "run " who " " quoted(command) " " quoted(output)
	command = output = ""
	unfinished = 0
}

function without_comment(line)
{
	sub(/ +# .*$/, "", line)
	return line
}

function begin_command(by, text)
{
	end_command()
	who = by
	command = text
	unfinished = text ~ /\\$/
}

function in_block(line)
{
	if (path != "")
		text = text line "\n"
	else if (unfinished) {
		command = command "\n" line
		unfinished = line ~ /\\$/
	} else if (all_by != "") {
		if (line != "")
			begin_command(all_by, without_comment(line))
	} else if (line ~ /^# /)
		begin_command("root", substr(line, 3))
	else if (line ~ /^\$ /)
		begin_command("user", substr(line, 3))
	else if (command != "")
		output = output line "\n"
}

function begin_block()
{
	inside = 1
	if (path != "" && !index(prose, path))
		wrong("the text above does not name " path)
}

function end_block()
{
	inside = 0
	end_command()
	if (path != "")
		print "file " quoted(path) " " quoted(text)
	path = text = all_by = prose = ""
}

/^```/ && inside { end_block(); next }
/^```/ {
	if (markdown && $0 == "```sh")
		all_by = "root"
	begin_block()
	next
}
inside {
	line = $0
	if (!markdown)
		gsub(/\\\\/, "\\", line)
	in_block(line)
	next
}
markdown && /^<!-- file: .* -->$/ {
	path = $0
	sub(/^<!-- file: /, "", path)
	sub(/ -->$/, "", path)
	next
}
markdown && /^<!-- needs: .* -->$/ { print "needs " quoted($3); next }
!markdown && /^; file: / { path = substr($0, 9); next }
!markdown && /^; needs: / { print "needs " quoted(substr($0, 10)); next }
!markdown && /^; run: / { all_by = substr($0, 8); next }
!markdown && /^;/ { next }
/^#+ / {
	title = $0
	sub(/^#+ /, "", title)
	print "section " quoted(title)
	prose = ""
	next
}
{ prose = prose "\n" $0 }
END {
	if (!failed && inside)
		wrong("a block that does not end")
	exit failed
}
