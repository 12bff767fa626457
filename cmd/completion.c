/* SPDX-License-Identifier: MIT */
/*
 * nestor completion: scripts that complete nestor's command lines in bash and
 * zsh, made of the tables that the command lines are parsed by.
 *
 * Each shell has a printer of a struct opt. The scripts ask nestor itself for the
 * names of VMs, when they are needed.
 */
#include "cmd/completion.h"

#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "config/keys.h"
#include "cmd/opts.h"
#include "core/log.h"

typedef void print_opt(FILE *, const char *command, const struct opt *);

static const char *prefix(const struct opt *o)
{
	return o->no == OPT_NO_SHOWN ? "no-" : "";
}

/* Every option of @c, with --help, which only the keys have in their table. */
static void each_opt(FILE *f, const struct command *c, print_opt *print)
{
	const struct opt *o;
	const struct key *k;
	struct opt it;

	if (c == &command_run) {
		for (k = keys; k < keys + nkeys; k++) {
			it = key_opt(k);
			print(f, c->name, &it);
		}
		return;
	}
	for (o = c->opts; o && o->name; o++)
		print(f, c->name, o);
	print(f, c->name, &opt_help);
}

static void put_words(FILE *f, const char *const *words)
{
	for (; words && *words; words++)
		fprintf(f, " %s", *words);
}

/* --- bash ------------------------------------------------------------------ */

static void bash_option(FILE *f, const char *command, const struct opt *o)
{
	(void)command;
	if (o->letter)
		fprintf(f, " -%c", o->letter);
	fprintf(f, " --%s%s", prefix(o), o->name);
}

/* What _nestor_value says of it: a kind, and words. */
static void bash_value(FILE *f, const char *command, const struct opt *o)
{
	static const char *const kinds[] = { [OPT_PLAIN] = "text",
					     [OPT_FILE] = "file",
					     [OPT_DIR] = "directory",
					     [OPT_VM] = "vm" };

	if (!o->arg)
		return;
	fprintf(f, "\t'%s --%s%s'", command, o->name, o->bare ? "=" : "");
	if (o->letter)
		fprintf(f, " | '%s -%c'", command, o->letter);
	fprintf(f, ") echo %s", kinds[o->kind]);
	put_words(f, o->words);
	fputs(" ;;\n", f);
}

static const char bash_head[] =
	"# shellcheck shell=bash\n"
	"# nestor(1) in bash; made by `nestor completion bash`.\n"
	"\n"
	"# _nestor_options COMMAND - of nestor itself, if that is empty\n"
	"_nestor_options()\n"
	"{\n"
	"\tcase $1 in\n";

static const char bash_middle[] =
	"\tesac\n"
	"}\n"
	"\n"
	"# _nestor_value 'COMMAND OPTION' - the kind of its value, and words\n"
	"_nestor_value()\n"
	"{\n"
	"\tcase $1 in\n";

static const char bash_tail[] =
	"\tesac\n"
	"}\n"
	"\n"
	"_nestor_vms()\n"
	"{\n"
	"\tlocal i dir=()\n"
	"\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	"\t\t[[ ${COMP_WORDS[i]} != --runtime-dir ]] ||\n"
	"\t\t\tdir=(--runtime-dir \"${COMP_WORDS[i + 1]}\")\n"
	"\tdone\n"
	"\t\"${COMP_WORDS[0]/#\\~/$HOME}\" ls \"${dir[@]}\" 2>/dev/null |\n"
	"\t\tsed '1d; s/ .*//'\n"
	"}\n"
	"\n"
	"# _nestor_reply KIND [WORD...] - what begins as $cur does\n"
	"_nestor_reply()\n"
	"{\n"
	"\tlocal words=\"${*:2}\" how=()\n"
	"\tcase $1 in\n"
	"\tfile) how=(-f) ;;\n"
	"\tdirectory) how=(-d) ;;\n"
	"\tprogram) how=(-c) ;;\n"
	"\tvm) words=$(_nestor_vms) ;;\n"
	"\tesac\n"
	"\t[[ ! ${how[*]} ]] || compopt -o filenames 2>/dev/null\n"
	"\tmapfile -t COMPREPLY < <(compgen \"${how[@]}\" -W \"$words\" -- "
	"\"$cur\")\n"
	"}\n"
	"\n"
	"# A value behind = is a word of its own here, and so is the =.\n"
	"_nestor()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}\n"
	"\tlocal before=${COMP_WORDS[COMP_CWORD - 1]} equals='' kind='' i\n"
	"\tCOMPREPLY=()\n"
	"\tif ((COMP_CWORD == 1)); then\n"
	"\t\t_nestor_reply text \"$(_nestor_options '')\"\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	"\t\t[[ ${COMP_WORDS[i]} != -- ]] || break\n"
	"\tdone\n"
	"\tif [[ $cur = = ]]; then\n"
	"\t\tcur='' equals='='\n"
	"\telif [[ $before = = ]]; then\n"
	"\t\tbefore=${COMP_WORDS[COMP_CWORD - 2]} equals='='\n"
	"\tfi\n"
	"\tif ((i == COMP_CWORD)); then\n"
	"\t\tkind=$(_nestor_value \"$command $before\")\n"
	"\t\t[[ $kind || ! $equals ]] ||\n"
	"\t\t\tkind=$(_nestor_value \"$command $before=\")\n"
	"\tfi\n"
	"\tif [[ $kind ]]; then\n"
	"\t\t# shellcheck disable=SC2086 # a kind and words\n"
	"\t\t_nestor_reply $kind\n"
	"\telif ((i == COMP_CWORD)) && [[ $cur = -* || $command = run ]]; "
	"then\n"
	"\t\t_nestor_reply text \"$(_nestor_options \"$command\")\"\n"
	"\telif ((i == COMP_CWORD - 1)) && [[ $command = run ]]; then\n"
	"\t\t_nestor_reply program\n"
	"\telse\n"
	"\t\t# shellcheck disable=SC2046 # a kind and words\n"
	"\t\t_nestor_reply $(_nestor_value \"$command\")\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _nestor nestor\n";

static void put_commands(FILE *f, const struct command *const *table)
{
	for (; *table; table++)
		fprintf(f, " %s", (*table)->name);
}

void completion_bash(FILE *f, const struct command *const *table)
{
	const struct command *const *c;

	fputs(bash_head, f);
	fputs("\t'') echo", f);
	put_commands(f, table);
	fputs(" help --help --version ;;\n", f);
	for (c = table; *c; c++) {
		fprintf(f, "\t%s) echo", (*c)->name);
		each_opt(f, *c, bash_option);
		fputs(" ;;\n", f);
	}
	fputs(bash_middle, f);
	for (c = table; *c; c++) {
		each_opt(f, *c, bash_value);
		if ((*c)->vm)
			fprintf(f, "\t'%s') echo vm ;;\n", (*c)->name);
	}
	fputs("\thelp) echo text", f);
	put_commands(f, table);
	fputs(" ;;\n\tcompletion) echo text bash zsh ;;\n"
	      "\trun) echo file ;;\n",
	      f);
	fputs(bash_tail, f);
}

/* --- zsh ------------------------------------------------------------------- */

/* Within single quotes, with each of @special behind a backslash. */
static void zsh_text(FILE *f, const char *s, const char *special)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", f);
		else if (strchr(special, *s))
			fprintf(f, "\\%c", *s);
		else
			fputc(*s, f);
	}
}

/* How _arguments is to complete the value. */
static void zsh_action(FILE *f, const struct opt *o)
{
	static const char *const actions[] = { [OPT_PLAIN] = " ",
					       [OPT_FILE] = "_files",
					       [OPT_DIR] = "_files -/",
					       [OPT_VM] = "_nestor_vms" };

	fputs(o->bare ? "::" : ":", f);
	zsh_text(f, o->arg, ":\\");
	if (o->words && o->kind == OPT_FILE) {
		fputs(": _nestor_or_file", f);
		put_words(f, o->words);
	} else if (o->words) {
		fputs(":(", f);
		put_words(f, o->words);
		fputs(" )", f);
	} else {
		fprintf(f, ":%s", actions[o->kind]);
	}
}

/* A spec of _arguments: *{-k+,--kernel=}[help]:FILE:_files */
static void zsh_option(FILE *f, const char *command, const struct opt *o)
{
	const char *value = !o->arg ? "" : o->bare ? "=-" : "=";

	(void)command;
	fputs("\t\t\t'*'", f);
	if (o->letter)
		fprintf(f, "{-%c%s,--%s%s%s}'[", o->letter, o->arg ? "+" : "",
			prefix(o), o->name, value);
	else
		fprintf(f, "'--%s%s%s[", prefix(o), o->name, value);
	zsh_text(f, o->help, "[]\\");
	fputc(']', f);
	if (o->arg)
		zsh_action(f, o);
	fputs("' \\\n", f);
}

static const char zsh_head[] =
	"#compdef nestor\n"
	"# nestor(1) in zsh; made by `nestor completion zsh`.\n"
	"\n"
	"_nestor_vms()\n"
	"{\n"
	"\tlocal -a names\n"
	"\tnames=(${(f)\"$(nestor ls 2>/dev/null | sed '1d; s/ .*//')\"})\n"
	"\tcompadd \"$@\" -a names\n"
	"}\n"
	"\n"
	"_nestor_or_file()\n"
	"{\n"
	"\tcompadd -- \"$@\"\n"
	"\t_files\n"
	"}\n"
	"\n"
	"_nestor_commands()\n"
	"{\n"
	"\tlocal -a commands\n"
	"\tcommands=(\n";

static const char zsh_middle[] =
	"\t)\n"
	"\t_describe command commands\n"
	"}\n"
	"\n"
	"_nestor()\n"
	"{\n"
	"\tlocal curcontext=$curcontext state line\n"
	"\t_arguments -C '(- *)'{-h,--help}'[explain it]' \\\n"
	"\t\t'(- *)--version[print the version]' \\\n"
	"\t\t'1: :_nestor_commands' '*:: :->command'\n"
	"\t[[ $state = command ]] || return\n"
	"\tcase $words[1] in\n";

static const char zsh_tail[] = "\tesac\n"
			       "}\n"
			       "\n"
			       "if ((${funcstack[(I)_nestor]})); then\n"
			       "\t_nestor \"$@\"\n"
			       "else\n"
			       "\tcompdef _nestor nestor\n"
			       "fi\n";

static const char *zsh_operands(const struct command *c)
{
	if (c == &command_run)
		return "'*:: :_normal'";
	if (!strcmp(c->name, "completion"))
		return "'1: :(bash zsh)'";
	if (c->vm)
		return "'*: :_nestor_vms'";
	return "'*: : '";
}

void completion_zsh(FILE *f, const struct command *const *table)
{
	const struct command *const *c;

	fputs(zsh_head, f);
	for (c = table; *c; c++) {
		fprintf(f, "\t\t'%s:", (*c)->name);
		zsh_text(f, (*c)->summary, ":\\");
		fputs("'\n", f);
	}
	fputs("\t\t'help:explain a command'\n", f);
	fputs(zsh_middle, f);
	for (c = table; *c; c++) {
		fprintf(f, "\t%s)\n\t\t_arguments -s -S \\\n", (*c)->name);
		each_opt(f, *c, zsh_option);
		fprintf(f, "\t\t\t%s\n\t\t;;\n", zsh_operands(*c));
	}
	fputs("\thelp) _arguments '1: :_nestor_commands' ;;\n", f);
	fputs(zsh_tail, f);
}

/* --- the command ----------------------------------------------------------- */

static int cmd_completion(const struct command *const *table, int argc,
			  char **argv)
{
	const char *value, *shell = NULL;
	struct opts o;
	struct err e;
	int r;

	opts_begin(&o, &command_completion, argc, argv);
	while ((r = opts_next(&o, &value, &e)) > 0 && !shell)
		shell = value;
	if (r < 0)
		return opts_status(r, &e);
	if (r > 0 || !shell ||
	    (strcmp(shell, "bash") && strcmp(shell, "zsh"))) {
		err_set(&e, 0, "completion is for one shell: give bash or zsh");
		return cmd_refuse(&e);
	}
	if (shell[0] == 'b')
		completion_bash(stdout, table);
	else
		completion_zsh(stdout, table);
	return STATUS_OFF;
}

const struct command command_completion = {
	.name = "completion",
	.summary = "print a script that completes nestor's options in a shell",
	.operands = "bash|zsh",
	.run_with = cmd_completion,
	.about =
		"Print a script for a shell: source <(nestor completion bash). "
		"It completes commands, options, their values, files and the "
		"names of VMs.",
};
