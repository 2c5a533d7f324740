/* Plays a prepared list of requests against a local HTTP/1.1 server and writes down what became of each.
 *
 *   load -p PORT -P PATH -b BODY -i PLAN [-o HISTORY] [-c CONNECTIONS] [-r RATE] [-d SECONDS] [-t PATIENCE]
 *        [-s SKIP] [-n COUNT] [-H HEADER]
 *
 * PLAN has a line for each request: who, attempt, key, highest price, cookie, with a tab between them. In BODY, %k stands
 * for the key and %p for the price. Each line is sent once, in order.
 *
 * Without RATE the loop is closed: each of CONNECTIONS callers sends its next request when it has its answer.
 * With RATE it is open: request i is due at i / RATE seconds whatever became of those before it, over as many
 * connections as it takes up to CONNECTIONS; time and patience count from when it was due, so a server that stalls
 * cannot hide those who would have come meanwhile. A caller whose PATIENCE (seconds) is over hangs up.
 *
 * HISTORY is CSV: who,n,key,max_price,t0,t1,status,code,seat,price. Status 0 means that the caller does not know:
 * code "late" hung up, "cut" lost the connection, "unsent" never got a connection. Times are CLOCK_MONOTONIC seconds.
 * A summary is printed as JSON. One thread, one epoll: some 10 us of CPU for each request. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WHO, TRY, KEY, PRICE, COOKIE, FIELDS };
enum { ROOM = 8192, EVENTS = 512, MOST_SECONDS = 3600 };
enum { TAKEN, DECLINED, SHED, BROKEN, UNKNOWN, KINDS };
static const char *const KIND[KINDS] = {"taken", "declined", "shed", "broken", "unknown"};
static const double LATE_REFUSAL = 0.1, FINAL_WAIT = 15;

typedef struct { const char *at; int len; } Slice;
static const Slice NONE = {"", 0};
typedef struct { float seconds; unsigned char kind; } Sample;
typedef struct {
    int fd, have, before, after; /* neighbours among the busy, oldest first */
    bool busy, sent;
    double since;
    Slice field[FIELDS];
    char in[ROOM];
} Caller;

static struct sockaddr_in server = {.sin_family = AF_INET};
static const char *path = "/", *body = "", *header = "";
static int most = 64, poll_fd, opened, idle_count, oldest = -1, newest = -1, in_flight;
static double rate, patience, seconds = 1e9, began;
static long most_requests = -1, begun, unsent, no_retry_after, late_refusals, sample_count, sample_room, statuses[600];
static long taken_in[MOST_SECONDS], answered_in[MOST_SECONDS];
static Caller **callers;
static int *idle;
static Sample *samples;
static const char *plan, *plan_end;
static FILE *history;

static void die(const char *what) { perror(what), exit(1); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- the plan ---------------------------------------------------------------------------------------------------- */

static void open_plan(const char *name, long skip) {
    int fd = open(name, O_RDONLY);
    struct stat about;
    if (fd < 0 || fstat(fd, &about) < 0) die(name);
    plan = mmap(NULL, about.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (plan == MAP_FAILED) die("mmap");
    plan_end = plan + about.st_size;
    while (skip-- > 0 && plan < plan_end) plan = (const char *)memchr(plan, '\n', plan_end - plan) + 1;
}

static bool next_line(Slice field[FIELDS]) {
    if (plan >= plan_end || (most_requests >= 0 && begun >= most_requests)) return false;
    const char *end = memchr(plan, '\n', plan_end - plan);
    if (!end) end = plan_end;
    for (int i = 0; i < FIELDS; i++) {
        const char *stop = i + 1 < FIELDS ? memchr(plan, '\t', end - plan) : end;
        if (!stop) fprintf(stderr, "a line of the plan has too few fields\n"), exit(1);
        field[i] = (Slice){plan, stop - plan};
        plan = stop + 1;
    }
    plan = end + 1;
    return true;
}

/* ---- what became of it ------------------------------------------------------------------------------------------- */

static void record(const Slice field[FIELDS], double since, int status, Slice code, Slice seat, Slice price, int kind) {
    double at = now();
    if (sample_count == sample_room) {
        sample_room = sample_room ? 2 * sample_room : 1 << 16;
        if (!(samples = realloc(samples, sample_room * sizeof *samples))) die("realloc");
    }
    samples[sample_count++] = (Sample){at - since, kind};
    statuses[status >= 0 && status < 600 ? status : 599]++;
    int second = at - began;
    if (second >= 0 && second < MOST_SECONDS && status) {
        answered_in[second]++;
        taken_in[second] += kind == TAKEN;
    }
    late_refusals += kind == SHED && at - since > LATE_REFUSAL;
    if (!history) return;
    fprintf(history, "%.*s,%.*s,%.*s,%.*s,%.6f,%.6f,%d,%.*s,%.*s,%.*s\n", field[WHO].len, field[WHO].at, field[TRY].len,
            field[TRY].at, field[KEY].len, field[KEY].at, field[PRICE].len, field[PRICE].at, since, at, status, code.len,
            code.at, seat.len, seat.at, price.len, price.at);
}

static void record_unknown(const Slice field[FIELDS], double since, const char *why) {
    record(field, since, 0, (Slice){why, strlen(why)}, NONE, NONE, UNKNOWN);
}

/* Find a top-level member of a flat JSON object: a number, or a string without escapes. */
static Slice member(const char *json, const char *name) {
    const char *at = strstr(json, name);
    if (!at) return NONE;
    at += strlen(name) + strspn(at + strlen(name), " :");
    if (*at == '"') return (Slice){at + 1, strcspn(at + 1, "\"")};
    return (Slice){at, strspn(at, "0123456789-")};
}

static int kind_of(int status) {
    if (status >= 200 && status < 300) return TAKEN;
    if (status == 429 || status == 503) return SHED;
    return status >= 500 || status < 400 ? BROKEN : DECLINED;
}

/* ---- callers ----------------------------------------------------------------------------------------------------- */

static void watch(int who, uint32_t events, int how) {
    struct epoll_event event = {.events = events, .data.u32 = who};
    if (epoll_ctl(poll_fd, how, callers[who]->fd, &event) < 0) die("epoll_ctl");
}

static void dial(int who) {
    Caller *caller = callers[who];
    caller->fd = socket(AF_INET, SOCK_STREAM | (rate ? SOCK_NONBLOCK : 0), 0); /* in an open loop nobody waits */
    if (caller->fd < 0) die("socket");
    setsockopt(caller->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(caller->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) die("connect");
    fcntl(caller->fd, F_SETFL, O_NONBLOCK);
    caller->have = 0;
    watch(who, EPOLLIN | EPOLLOUT | EPOLLET, EPOLL_CTL_ADD);
}

static void hang_up(int who) {
    setsockopt(callers[who]->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(callers[who]->fd);
    callers[who]->fd = -1;
}

static void leave_busy(int who) {
    Caller *caller = callers[who];
    *(caller->before < 0 ? &oldest : &callers[caller->before]->after) = caller->after;
    *(caller->after < 0 ? &newest : &callers[caller->after]->before) = caller->before;
    caller->busy = false;
    in_flight--;
    idle[idle_count++] = who;
}

static int expand(char *out, int room, const Caller *caller) {
    int len = 0;
    for (const char *at = body; *at && len < room; at++) {
        if (at[0] == '%' && (at[1] == 'k' || at[1] == 'p')) {
            Slice value = caller->field[*++at == 'k' ? KEY : PRICE];
            len += snprintf(out + len, room - len, "%.*s", value.len, value.at);
        } else out[len++] = *at;
    }
    return len;
}

static bool say(Caller *caller) {
    char said[512], out[ROOM];
    int size = expand(said, sizeof said, caller), port = ntohs(server.sin_port);
    int len = snprintf(out, sizeof out,
                       "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:%d\r\n"
                       "Content-Type: application/json\r\n%s%sCookie: ky_pass=%.*s\r\nContent-Length: %d\r\n\r\n%.*s",
                       path, port, port, header, *header ? "\r\n" : "", caller->field[COOKIE].len,
                       caller->field[COOKIE].at, size, size, said);
    ssize_t wrote = send(caller->fd, out, len, MSG_NOSIGNAL);
    if (wrote < 0 && (errno == EAGAIN || errno == ENOTCONN)) return true; /* still connecting: when it can be written */
    caller->sent = true;
    return wrote == len;
}

static void cut(int who) {
    Caller *caller = callers[who];
    if (caller->busy) {
        record_unknown(caller->field, caller->since, "cut");
        leave_busy(who);
    }
    hang_up(who);
}

static void ask(int who, const Slice field[FIELDS], double since) {
    Caller *caller = callers[who];
    memcpy(caller->field, field, sizeof caller->field);
    caller->since = since;
    caller->busy = true;
    caller->sent = false;
    caller->before = newest;
    caller->after = -1;
    *(newest < 0 ? &oldest : &callers[newest]->after) = who;
    newest = who;
    in_flight++;
    if (caller->fd < 0) dial(who);
    if (!say(caller)) cut(who);
}

/* Take one whole answer from the buffer; returns false while it is not all there. */
static bool answer(int who) {
    Caller *caller = callers[who];
    caller->in[caller->have] = 0;
    char *end = strstr(caller->in, "\r\n\r\n"), *size = strcasestr(caller->in, "\r\ncontent-length:");
    if (!end) return false;
    int head = end + 4 - caller->in, status = atoi(caller->in + 9);
    bool whole = size && size < end ? caller->have >= head + atoi(size + 17) : strstr(end, "\r\n0\r\n\r\n") != NULL;
    if (!whole) return false; /* without a length it came in chunks; ours are small, so that one holds it all */
    *end = 0;
    const char *retry = strcasestr(caller->in, "\r\nretry-after:"), *close_it = strcasestr(caller->in, "\r\nconnection: close");
    const char *json = caller->in + head;
    int kind = kind_of(status);
    no_retry_after += kind == SHED && !retry;
    if (caller->busy) {
        record(caller->field, caller->since, status, kind == TAKEN ? NONE : member(json, "\"code\""),
               member(json, "\"seat\""), member(json, "\"price\""), kind);
        leave_busy(who);
    }
    caller->have = 0;
    if (close_it) hang_up(who);
    return true;
}

static void hear(int who) {
    Caller *caller = callers[who];
    while (caller->fd >= 0) {
        ssize_t got = recv(caller->fd, caller->in + caller->have, ROOM - 1 - caller->have, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) { cut(who); return; }
        caller->have += got;
        if (answer(who)) return;
    }
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static int free_caller(void) {
    if (idle_count) return idle[--idle_count];
    if (opened == most) return -1;
    if (!(callers[opened] = calloc(1, sizeof(Caller)))) die("calloc");
    callers[opened]->fd = -1;
    return opened++;
}

static void dial_all(void) {
    while (opened < most) dial(free_caller());
    for (; idle_count < opened; idle_count++) idle[idle_count] = idle_count;
}

/* Send what is due; returns false when nothing more will come. */
static bool dispatch(void) {
    Slice field[FIELDS];
    for (;;) {
        double at = now(), due = rate ? began + begun / rate : at;
        if (due >= began + seconds) return false;
        if (due > at) return true;
        bool too_late = patience && at > due + patience;
        int who = too_late ? -1 : free_caller();
        if (who < 0 && !too_late) return true;
        if (!next_line(field)) {
            if (who >= 0) idle[idle_count++] = who;
            return false;
        }
        begun++;
        if (too_late) {
            unsent++;
            record_unknown(field, due, "unsent");
        } else ask(who, field, due);
    }
}

static void drop_impatient(double limit) {
    while (oldest >= 0 && limit && now() > callers[oldest]->since + limit) {
        int who = oldest;
        record_unknown(callers[who]->field, callers[who]->since, "late");
        leave_busy(who);
        hang_up(who);
    }
}

static void turn(int milliseconds) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poll_fd, events, EVENTS, milliseconds);
    for (int i = 0; i < count; i++) {
        int who = events[i].data.u32;
        Caller *caller = callers[who];
        bool can_say = caller->busy && !caller->sent && events[i].events & EPOLLOUT;
        if (caller->fd < 0) continue;
        if (events[i].events & (EPOLLERR | EPOLLHUP) || (can_say && !say(caller))) cut(who);
        else if (events[i].events & (EPOLLIN | EPOLLRDHUP)) hear(who);
    }
}

static int by_time(const void *a, const void *b) {
    float x = ((const Sample *)a)->seconds, y = ((const Sample *)b)->seconds;
    return (x > y) - (x < y);
}

static void tell_times(const char *name, int kind) {
    long count = 0;
    for (long i = 0; i < sample_count; i++) count += kind < 0 ? samples[i].kind != UNKNOWN : samples[i].kind == kind;
    double marks[] = {0.5, 0.95, 0.99, 1}, found[4] = {0};
    long seen = 0, next = 0;
    for (long i = 0; i < sample_count && next < 4; i++) {
        if (kind < 0 ? samples[i].kind == UNKNOWN : samples[i].kind != kind) continue;
        for (seen++; next < 4 && seen >= marks[next] * count; next++) found[next] = samples[i].seconds * 1000;
    }
    printf(", \"%s\": {\"count\": %ld, \"p50\": %.2f, \"p95\": %.2f, \"p99\": %.2f, \"most\": %.2f}", name, count,
           found[0], found[1], found[2], found[3]);
}

static void tell_row(const char *name, const long *values, int count) {
    for (int i = 0; i < count; i++) printf("%s%s%s%ld", i ? "" : ", \"", i ? "" : name, i ? ", " : "\": [", values[i]);
    printf("]");
}

static void tell(double ended) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    qsort(samples, sample_count, sizeof *samples, by_time);
    printf("{\"began\": %.6f, \"seconds\": %.6f, \"offered\": %ld, \"unsent\": %ld, \"connections\": %d, \"cpu\": %.3f", began,
           ended - began, begun, unsent, opened, cpu);
    printf(", \"shed_without_retry_after\": %ld, \"shed_late\": %ld", no_retry_after, late_refusals);
    tell_times("answered", -1);
    for (int kind = 0; kind < KINDS; kind++) tell_times(KIND[kind], kind);
    int whole = ended - began < MOST_SECONDS - 1 ? ended - began + 1 : MOST_SECONDS;
    tell_row("taken_each_second", taken_in, whole);
    tell_row("answered_each_second", answered_in, whole);
    printf(", \"statuses\": {");
    for (int i = 0, some = 0; i < 600; i++)
        if (statuses[i]) printf("%s\"%d\": %ld", some++ ? ", " : "", i, statuses[i]);
    printf("}}\n");
}

/* The history stays in memory while it plays: the disk is the server's, and who waits for it asks nobody. */
static char kept[128 << 20];

int main(int count, char **words) {
    long skip = 0;
    const char *plan_name = NULL;
    inet_pton(AF_INET, "127.0.0.1", &server.sin_addr);
    for (int flag; (flag = getopt(count, words, "p:P:b:i:o:c:r:d:t:s:n:H:")) != -1;) switch (flag) {
        case 'p': server.sin_port = htons(atoi(optarg)); break;
        case 'P': path = optarg; break;
        case 'b': body = optarg; break;
        case 'H': header = optarg; break;
        case 'i': plan_name = optarg; break;
        case 'o': if (!(history = fopen(optarg, "w"))) die(optarg); break;
        case 'c': most = atoi(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'd': seconds = atof(optarg); break;
        case 't': patience = atof(optarg); break;
        case 's': skip = atol(optarg); break;
        case 'n': most_requests = atol(optarg); break;
        default: return 2;
    }
    if (!plan_name || most < 1) return fprintf(stderr, "a plan (-i) and at least one connection (-c) are needed\n"), 2;
    open_plan(plan_name, skip);
    poll_fd = epoll_create1(0);
    callers = calloc(most, sizeof *callers);
    idle = calloc(most, sizeof *idle);
    if (!callers || !idle) die("calloc");
    if (history) {
        setvbuf(history, kept, _IOFBF, sizeof kept);
        fprintf(history, "who,n,key,max_price,t0,t1,status,code,seat,price\n");
    }
    if (!rate) dial_all();
    began = now();
    while (dispatch()) {
        turn(rate ? 1 : patience ? 20 : 1000);
        drop_impatient(patience);
    }
    double last = now();
    while (in_flight) {
        turn(20);
        drop_impatient(patience);
        if (now() > last + FINAL_WAIT) drop_impatient(1e-9);
    }
    tell(now());
    if (history && fclose(history)) die("history");
    return 0;
}
