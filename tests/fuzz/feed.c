/* SPDX-License-Identifier: MIT */
/*
 * A fuzzer's harness without libFuzzer, which ThreadSanitizer's build has in its
 * place: every file of the directories named is one input, once. Options of
 * libFuzzer's are passed over.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void feed(int fd, const char *name)
{
	struct stat st;
	uint8_t *data;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(name);
	data = malloc(st.st_size + 1);
	n = data ? read(fd, data, st.st_size) : -1;
	if (n != st.st_size)
		die(name);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	close(fd);
}

static unsigned feed_all(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	unsigned n = 0;

	if (!dir)
		die(path);
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.') {
			feed(openat(dirfd(dir), d->d_name,
				    O_RDONLY | O_CLOEXEC),
			     d->d_name);
			n++;
		}
	closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	unsigned n = 0;
	int i;

	for (i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			n += feed_all(argv[i]);
	printf("%u inputs\n", n);
	return !n;
}
