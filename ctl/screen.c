// SPDX-License-Identifier: GPL-2.0-or-later
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* ECMA-48, and xterm's other screen. */
#define ENTER	  "\033[?1049h\033[?25l"
#define LEAVE	  "\033[?25h\033[?1049l"
#define TOP_LEFT  "\033[H"
#define LINE_REST "\033[K"
#define PAGE_REST "\033[J"

static volatile sig_atomic_t ended;
static struct termios before;
static bool has_keys;

static void on_signal(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

bool screen_is_there(void)
{
	return isatty(STDOUT_FILENO);
}

/* Keys come one by one, and unseen. */
static void take_keys(void)
{
	struct termios raw;

	has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	if (!has_keys)
		return;
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

void screen_open(void)
{
	const struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	take_keys();
	fputs(ENTER, stdout);
	fflush(stdout);
}

void screen_close(void)
{
	fputs(LEAVE, stdout);
	fflush(stdout);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void screen_size(unsigned int *rows, unsigned int *columns)
{
	struct winsize size;

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		return;
	*rows = size.ws_row;
	*columns = size.ws_col;
}

void screen_show(const char *text)
{
	fputs(TOP_LEFT, stdout);
	while (*text) {
		size_t n = strcspn(text, "\n");

		printf("%.*s" LINE_REST, (int)n, text);
		text += n;
		if (*text && *++text)
			fputs("\r\n", stdout);
	}
	fputs(PAGE_REST, stdout);
	fflush(stdout);
}

/* Another key than "q" shows the next page at once. */
bool screen_wait(int ms)
{
	struct pollfd p = {.fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN};
	char key = 0;
	int n = ended ? 0 : poll(&p, 1, ms);

	if (n > 0 && read(STDIN_FILENO, &key, 1) <= 0)
		return false;
	return !ended && key != 'q' && (n >= 0 || errno == EINTR);
}
