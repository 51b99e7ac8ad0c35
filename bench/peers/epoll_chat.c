/* The chat's fan-out in C on epoll: what one turn brings is joined once and sent to each with one send, as on the reactor.
 *
 * No renames, no announcements, no topics, no limits on who talks: less than any chat here, so a floor for all of them.
 * cc -O2 -o epoll_chat epoll_chat.c && ./epoll_chat --port=0
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define EVENTS 1024
#define LINE 8192              /* bytes; a longer line ends its connection */
#define MOST 65536             /* descriptors */
#define LINES 4096             /* in one turn; more of them end it */
#define PARTS 64               /* of one send: what stands between a member's own lines */
#define UNREAD (8 << 20)       /* bytes; who has more than this to read is dropped */

struct member {
    int fd, place, waiting, said; /* said: its last line of this turn in `lines`, or -1 */
    char name[24], in[LINE];
    size_t name_len, in_len, out_len;
    char *out; /* what the kernel did not take */
};

struct line { size_t start, end; int before; }; /* before: the line that the same member said before, or -1 */

static struct member *members[MOST], *by_fd[MOST];
static struct line lines[LINES];
static char *turn; /* what all have said in this turn: everybody is sent the same bytes, but for their own lines */
static size_t turn_len, turn_cap;
static int seated, said, guests, poller;

static void watch(struct member *one, int operation, unsigned events) {
    struct epoll_event event = {.events = events, .data.fd = one->fd};
    epoll_ctl(poller, operation, one->fd, &event);
}

static void drop(struct member *one) {
    by_fd[one->fd] = NULL;
    close(one->fd);
    members[one->place] = members[--seated];
    members[one->place]->place = one->place;
    free(one->out);
    free(one);
}

static void append(const char *data, size_t size) {
    if (turn_len + size > turn_cap) {
        turn_cap = 2 * (turn_len + size);
        if (!(turn = realloc(turn, turn_cap))) exit(1);
    }
    memcpy(turn + turn_len, data, size);
    turn_len += size;
}

static void wait_for_room(struct member *one) {
    if ((one->out_len > 0) == one->waiting) return;
    one->waiting = !one->waiting;
    watch(one, EPOLL_CTL_MOD, EPOLLIN | (one->waiting ? EPOLLOUT : 0));
}

/* Keep what was not sent of some parts. Returns 0 when that is too much. */
static int keep(struct member *one, struct iovec *parts, int count, size_t sent) {
    for (int i = 0; i < count; i++) {
        size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len, rest = parts[i].iov_len - skip;
        sent -= skip;
        if (!rest) continue;
        if (one->out_len + rest > UNREAD) return 0;
        if (!(one->out = realloc(one->out, one->out_len + rest))) exit(1);
        memcpy(one->out + one->out_len, (char *)parts[i].iov_base + skip, rest);
        one->out_len += rest;
    }
    return 1;
}

/* Send one member what the turn has brought, around its own lines. */
static void deliver(struct member *one) {
    struct iovec parts[PARTS];
    int count = 0;
    size_t end = turn_len;
    for (int i = one->said; i >= 0 && count < PARTS - 1; i = lines[i].before) { /* from the last to the first */
        if (lines[i].end < end) parts[PARTS - ++count] = (struct iovec){turn + lines[i].end, end - lines[i].end};
        end = lines[i].start;
    }
    if (end) parts[PARTS - ++count] = (struct iovec){turn, end};
    one->said = -1;
    if (!count) return;
    ssize_t sent = 0;
    struct msghdr message = {.msg_iov = parts + PARTS - count, .msg_iovlen = count};
    if (!one->out_len) sent = sendmsg(one->fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) sent = 0;
    if (sent < 0 || !keep(one, message.msg_iov, count, sent)) { drop(one); return; }
    wait_for_room(one);
}

static void flush(struct member *one) {
    ssize_t sent = send(one->fd, one->out, one->out_len, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) { drop(one); return; }
    one->out_len -= sent;
    memmove(one->out, one->out + sent, one->out_len);
    wait_for_room(one);
}

static void end_turn(void) {
    for (int i = seated - 1; turn_len && i >= 0; i--) deliver(members[i]); /* who is dropped is replaced by a later one */
    turn_len = said = 0;
}

static void say(struct member *from, const char *text, size_t size) {
    lines[said] = (struct line){turn_len, 0, from->said};
    append(from->name, from->name_len);
    append(text, size);
    append("\n", 1);
    lines[said].end = turn_len;
    from->said = said++;
}

static void hear(struct member *one) {
    ssize_t got = recv(one->fd, one->in + one->in_len, LINE - one->in_len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) { drop(one); return; }
    int mine = 0;
    char *start = one->in, *end = one->in + one->in_len + got, *newline;
    while ((newline = memchr(start, '\n', end - start))) {
        if (newline > start && mine++ == PARTS / 2) { drop(one); return; } /* so many at once are a flood */
        if (newline > start) say(one, start, newline - start);
        start = newline + 1;
    }
    one->in_len = end - start;
    if (one->in_len == LINE) { drop(one); return; }
    memmove(one->in, start, one->in_len);
}

static void seat(int listener) {
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MOST) { close(fd); continue; }
        struct member *one = calloc(1, sizeof *one);
        if (!one) exit(1);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        one->fd = fd;
        one->name_len = snprintf(one->name, sizeof one->name, "guest-%d: ", ++guests);
        one->place = seated;
        one->said = -1;
        by_fd[fd] = members[seated++] = one;
        watch(one, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static int listening(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 1024)) { perror("cannot listen"); exit(1); }
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void leave(int signum) { (void)signum; _exit(0); }

int main(int count, char **arguments) {
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN};
    int port = 0;
    for (int i = 1; i < count; i++) sscanf(arguments[i], "--port=%d", &port);
    signal(SIGINT, leave);
    signal(SIGTERM, leave);
    int listener = listening(port);
    poller = epoll_create1(EPOLL_CLOEXEC);
    event.data.fd = listener;
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) { seat(listener); continue; }
            if (said > LINES - PARTS) end_turn();
            struct member *one = by_fd[fd];
            if (one && (events[i].events & EPOLLOUT)) flush(one);
            if ((one = by_fd[fd]) && (events[i].events & ~EPOLLOUT)) hear(one);
        }
        end_turn();
    }
}
