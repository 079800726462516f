/* SPDX-License-Identifier: BSD-2-Clause */
/* What a shell may offer next, from the command tables. */
#ifndef CTL_COMPLETE_H
#define CTL_COMPLETE_H

/*
 * apikeyctl COMPLETE_WORD WORD...: the words after "apikeyctl" up to the one
 * that is being completed, which comes last and may be empty. Prints a
 * candidate a line, what it is after a tab where that is known; or a line
 * ":files" or ":logins", of which the shell knows more. Says nothing of
 * errors: who is typing is not to be disturbed.
 */
#define COMPLETE_WORD "__complete"
void complete(int argc, char *const argv[]);

#endif
