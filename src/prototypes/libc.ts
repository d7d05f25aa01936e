/** Prototypes of the C library, threads included, for x86-64 Linux. Source: POSIX.1-2017 and the manual pages, sections 2 and 3. */
import type { PrototypeTable } from "./notation.ts";

export const libc: PrototypeTable = {
  structs: `
in_addr { s_addr u32 }
in6_addr { s6_addr u8[16] }
sockaddr { sa_family u16; sa_data u8[14] }
sockaddr_in { sin_family u16; sin_port u16; sin_addr in_addr; sin_zero u8[8] }
sockaddr_in6 { sin6_family u16; sin6_port u16; sin6_flowinfo u32; sin6_addr in6_addr; sin6_scope_id u32 }
sockaddr_un { sun_family u16; sun_path u8[108] }
addrinfo { ai_flags i32; ai_family i32; ai_socktype i32; ai_protocol i32; ai_addrlen u32; ai_addr sockaddr*; ai_canonname s; ai_next addrinfo* }
hostent { h_name s; h_aliases s*; h_addrtype i32; h_length i32; h_addr_list s* }
iovec { iov_base *; iov_len u64 }
msghdr { msg_name *; msg_namelen u32; msg_iov iovec*; msg_iovlen u64; msg_control *; msg_controllen u64; msg_flags i32 }
pollfd { fd i32; events i16; revents i16 }
epoll_event packed { events u32; data u64 }
timespec { tv_sec i64; tv_nsec i64 }
timeval { tv_sec i64; tv_usec i64 }
timezone { tz_minuteswest i32; tz_dsttime i32 }
itimerspec { it_interval timespec; it_value timespec }
itimerval { it_interval timeval; it_value timeval }
tm { tm_sec i32; tm_min i32; tm_hour i32; tm_mday i32; tm_mon i32; tm_year i32; tm_wday i32; tm_yday i32; tm_isdst i32; tm_gmtoff i64; tm_zone s }
stat { st_dev u64; st_ino u64; st_nlink u64; st_mode u32; st_uid u32; st_gid u32; __pad0 i32; st_rdev u64; st_size i64; st_blksize i64; st_blocks i64; st_atim timespec; st_mtim timespec; st_ctim timespec; __glibc_reserved i64[3] }
dirent { d_ino u64; d_off i64; d_reclen u16; d_type u8; d_name u8[256] }
passwd { pw_name s; pw_passwd s; pw_uid u32; pw_gid u32; pw_gecos s; pw_dir s; pw_shell s }
group { gr_name s; gr_passwd s; gr_gid u32; gr_mem s* }
rlimit { rlim_cur u64; rlim_max u64 }
rusage { ru_utime timeval; ru_stime timeval; ru_maxrss i64; ru_ixrss i64; ru_idrss i64; ru_isrss i64; ru_minflt i64; ru_majflt i64; ru_nswap i64; ru_inblock i64; ru_oublock i64; ru_msgsnd i64; ru_msgrcv i64; ru_nsignals i64; ru_nvcsw i64; ru_nivcsw i64 }
`.trim(),
  functions: `
malloc(size u64) *
calloc(nmemb u64, size u64) *
realloc(ptr *, size u64) *
reallocarray(ptr *, nmemb u64, size u64) *
free(ptr *) void
posix_memalign(memptr **, alignment u64, size u64) i32
aligned_alloc(alignment u64, size u64) *
memalign(alignment u64, size u64) *
malloc_usable_size(ptr *) u64
mmap(addr *, length u64, prot i32, flags i32, fd i32, offset i64) *
munmap(addr *, length u64) i32
mprotect(addr *, len u64, prot i32) i32
madvise(addr *, length u64, advice i32) i32
msync(addr *, length u64, flags i32) i32
brk(addr *) i32
sbrk(increment i64) *
open(file s, flags i32, mode u32) i32
open64(file s, flags i32, mode u32) i32
openat(dirfd i32, file s, flags i32, mode u32) i32
openat64(dirfd i32, file s, flags i32, mode u32) i32
creat(file s, mode u32) i32
close(fd i32) i32
read(fd i32, buf *, count u64) i64
write(fd i32, buf *, count u64) i64
pread(fd i32, buf *, count u64, offset i64) i64
pread64(fd i32, buf *, count u64, offset i64) i64
pwrite(fd i32, buf *, count u64, offset i64) i64
pwrite64(fd i32, buf *, count u64, offset i64) i64
readv(fd i32, iov iovec*, iovcnt i32) i64
writev(fd i32, iov iovec*, iovcnt i32) i64
lseek(fd i32, offset i64, whence i32) i64
lseek64(fd i32, offset i64, whence i32) i64
fsync(fd i32) i32
fdatasync(fd i32) i32
ftruncate(fd i32, length i64) i32
truncate(path s, length i64) i32
fallocate(fd i32, mode i32, offset i64, len i64) i32
sendfile(out_fd i32, in_fd i32, offset i64*, count u64) i64
copy_file_range(in_fd i32, in_off i64*, out_fd i32, out_off i64*, len u64, flags u32) i64
dup(fd i32) i32
dup2(fd i32, newfd i32) i32
dup3(fd i32, newfd i32, flags i32) i32
pipe(fds i32*) i32
pipe2(fds i32*, flags i32) i32
fcntl(fd i32, cmd i32, arg i64) i32
fcntl64(fd i32, cmd i32, arg i64) i32
ioctl(fd i32, request u64, arg *) i32
flock(fd i32, operation i32) i32
isatty(fd i32) i32
stat(path s, statbuf stat*) i32
lstat(path s, statbuf stat*) i32
fstat(fd i32, statbuf stat*) i32
fstatat(dirfd i32, path s, statbuf stat*, flags i32) i32
access(path s, mode i32) i32
faccessat(dirfd i32, path s, mode i32, flags i32) i32
chmod(path s, mode u32) i32
fchmod(fd i32, mode u32) i32
chown(path s, owner u32, group u32) i32
unlink(path s) i32
unlinkat(dirfd i32, path s, flags i32) i32
remove(path s) i32
rename(oldpath s, newpath s) i32
renameat(olddirfd i32, oldpath s, newdirfd i32, newpath s) i32
link(oldpath s, newpath s) i32
symlink(target s, linkpath s) i32
readlink(path s, buf *, bufsiz u64) i64
realpath(path s, resolved s) s
mkdir(path s, mode u32) i32
mkdirat(dirfd i32, path s, mode u32) i32
rmdir(path s) i32
chdir(path s) i32
getcwd(buf s, size u64) s
opendir(name s) *
fdopendir(fd i32) *
readdir(dirp *) dirent*
readdir64(dirp *) dirent*
closedir(dirp *) i32
mkstemp(template s) i32
mkdtemp(template s) s
mount(source s, target s, filesystemtype s, mountflags u64, data *) i32
umount2(target s, flags i32) i32
inotify_add_watch(fd i32, path s, mask u32) i32
fopen(path s, mode s) *
fopen64(path s, mode s) *
fdopen(fd i32, mode s) *
freopen(path s, mode s, stream *) *
fclose(stream *) i32
fread(ptr *, size u64, nmemb u64, stream *) u64
fwrite(ptr *, size u64, nmemb u64, stream *) u64
fflush(stream *) i32
fseek(stream *, offset i64, whence i32) i32
ftell(stream *) i64
fgets(str s, size i32, stream *) s
fputs(str s, stream *) i32
fgetc(stream *) i32
getc(stream *) i32
fputc(c i32, stream *) i32
putc(c i32, stream *) i32
putchar(c i32) i32
getline(lineptr s*, n u64*, stream *) i64
getdelim(lineptr s*, n u64*, delim i32, stream *) i64
puts(str s) i32
printf(format s) i32
fprintf(stream *, format s) i32
dprintf(fd i32, format s) i32
sprintf(str s, format s) i32
snprintf(str s, size u64, format s) i32
vprintf(format s, ap *) i32
vfprintf(stream *, format s, ap *) i32
vsnprintf(str s, size u64, format s, ap *) i32
__printf_chk(flag i32, format s) i32
__fprintf_chk(stream *, flag i32, format s) i32
__sprintf_chk(str s, flag i32, slen u64, format s) i32
__snprintf_chk(str s, maxlen u64, flag i32, slen u64, format s) i32
scanf(format s) i32
sscanf(str s, format s) i32
fscanf(stream *, format s) i32
perror(str s) void
setvbuf(stream *, buf *, mode i32, size u64) i32
popen(command s, type s) *
pclose(stream *) i32
memcpy(dest *, src *, n u64) *
memmove(dest *, src *, n u64) *
mempcpy(dest *, src *, n u64) *
memset(str *, c i32, n u64) *
memcmp(s1 *, s2 *, n u64) i32
memchr(str *, c i32, n u64) *
memrchr(str *, c i32, n u64) *
memmem(haystack *, haystacklen u64, needle *, needlelen u64) *
strlen(str s) u64
strnlen(str s, maxlen u64) u64
strcmp(s1 s, s2 s) i32
strncmp(s1 s, s2 s, n u64) i32
strcasecmp(s1 s, s2 s) i32
strncasecmp(s1 s, s2 s, n u64) i32
strcoll(s1 s, s2 s) i32
strcpy(dest s, src s) s
strncpy(dest s, src s, n u64) s
stpcpy(dest s, src s) s
strcat(dest s, src s) s
strncat(dest s, src s, n u64) s
strchr(str s, c i32) s
strchrnul(str s, c i32) s
strrchr(str s, c i32) s
strstr(haystack s, needle s) s
strcasestr(haystack s, needle s) s
strspn(str s, accept s) u64
strcspn(str s, reject s) u64
strpbrk(str s, accept s) s
strtok(str s, delim s) s
strtok_r(str s, delim s, saveptr s*) s
strsep(stringp s*, delim s) s
strdup(str s) s
strndup(str s, n u64) s
strerror(errnum i32) s
strtol(nptr s, endptr s*, base i32) i64
strtoul(nptr s, endptr s*, base i32) u64
strtoll(nptr s, endptr s*, base i32) i64
strtoull(nptr s, endptr s*, base i32) u64
strtod(nptr s, endptr s*) f64
atoi(nptr s) i32
atol(nptr s) i64
qsort(base *, nmemb u64, size u64, compar *) void
bsearch(key *, base *, nmemb u64, size u64, compar *) *
getenv(name s) s
secure_getenv(name s) s
setenv(name s, value s, overwrite i32) i32
unsetenv(name s) i32
putenv(str s) i32
setlocale(category i32, locale s) s
gettext(msgid s) s
socket(domain i32, type i32, protocol i32) i32
socketpair(domain i32, type i32, protocol i32, fds i32*) i32
bind(fd i32, addr sockaddr_in*, len u32) i32
listen(fd i32, backlog i32) i32
connect(fd i32, addr sockaddr_in*, len u32) i32
accept(fd i32, addr sockaddr_in*, len u32*) i32
accept4(fd i32, addr sockaddr_in*, len u32*, flags i32) i32
shutdown(fd i32, how i32) i32
send(fd i32, buf *, len u64, flags i32) i64
recv(fd i32, buf *, len u64, flags i32) i64
sendto(fd i32, buf *, len u64, flags i32, addr sockaddr_in*, addrlen u32) i64
recvfrom(fd i32, buf *, len u64, flags i32, addr sockaddr_in*, addrlen u32*) i64
sendmsg(fd i32, msg msghdr*, flags i32) i64
recvmsg(fd i32, msg msghdr*, flags i32) i64
setsockopt(fd i32, level i32, optname i32, optval *, optlen u32) i32
getsockopt(fd i32, level i32, optname i32, optval *, optlen u32*) i32
getsockname(fd i32, addr sockaddr_in*, len u32*) i32
getpeername(fd i32, addr sockaddr_in*, len u32*) i32
getaddrinfo(node s, service s, hints addrinfo*, res addrinfo**) i32
freeaddrinfo(res addrinfo*) void
getnameinfo(addr sockaddr_in*, addrlen u32, host s, hostlen u32, serv s, servlen u32) i32
gethostbyname(name s) hostent*
gethostbyname2(name s, af i32) hostent*
gethostbyname_r(name s, ret hostent*, buf *, buflen u64, result hostent**, h_errnop i32*) i32
gethostbyaddr(addr *, len u32, type i32) hostent*
gethostname(name s, len u64) i32
inet_pton(af i32, src s, dst *) i32
inet_ntop(af i32, src *, dst s, size u32) s
res_query(dname s, class i32, type i32, answer *, anslen i32) i32
poll(fds pollfd*, nfds u64, timeout i32) i32
ppoll(fds pollfd*, nfds u64, tmo timespec*, sigmask *) i32
select(nfds i32, readfds *, writefds *, exceptfds *, timeout timeval*) i32
pselect(nfds i32, readfds *, writefds *, exceptfds *, timeout timespec*, sigmask *) i32
epoll_create1(flags i32) i32
epoll_ctl(epfd i32, op i32, fd i32, event epoll_event*) i32
epoll_wait(epfd i32, events epoll_event*, maxevents i32, timeout i32) i32
epoll_pwait(epfd i32, events epoll_event*, maxevents i32, timeout i32, sigmask *) i32
eventfd(initval u32, flags i32) i32
timerfd_create(clockid i32, flags i32) i32
timerfd_settime(fd i32, flags i32, new_value itimerspec*, old_value itimerspec*) i32
fork() i32
vfork() i32
execve(path s, argv s*, envp s*) i32
execv(path s, argv s*) i32
execvp(file s, argv s*) i32
execvpe(file s, argv s*, envp s*) i32
posix_spawn(pid i32*, path s, file_actions *, attrp *, argv s*, envp s*) i32
posix_spawnp(pid i32*, file s, file_actions *, attrp *, argv s*, envp s*) i32
system(command s) i32
exit(status i32) void
_exit(status i32) void
abort() void
atexit(function *) i32
wait(wstatus i32*) i32
waitpid(pid i32, wstatus i32*, options i32) i32
wait3(wstatus i32*, options i32, usage rusage*) i32
wait4(pid i32, wstatus i32*, options i32, usage rusage*) i32
waitid(idtype i32, id u32, infop *, options i32) i32
getpid() i32
getppid() i32
gettid() i32
getuid() u32
geteuid() u32
setuid(uid u32) i32
setgid(gid u32) i32
setsid() i32
prctl(option i32, arg2 u64, arg3 u64, arg4 u64, arg5 u64) i32
getrlimit(resource i32, rlim rlimit*) i32
setrlimit(resource i32, rlim rlimit*) i32
getrusage(who i32, usage rusage*) i32
kill(pid i32, sig i32) i32
killpg(pgrp i32, sig i32) i32
raise(sig i32) i32
tgkill(tgid i32, tid i32, sig i32) i32
signal(signum i32, handler *) *
sigaction(signum i32, act *, oldact *) i32
sigprocmask(how i32, set *, oldset *) i32
alarm(seconds u32) u32
pause() i32
setitimer(which i32, new_value itimerval*, old_value itimerval*) i32
sleep(seconds u32) u32
usleep(usec u32) i32
nanosleep(req timespec*, rem timespec*) i32
clock_nanosleep(clockid i32, flags i32, req timespec*, rem timespec*) i32
clock_gettime(clockid i32, tp timespec*) i32
time(tloc i64*) i64
gettimeofday(tv timeval*, tz timezone*) i32
localtime(timep i64*) tm*
localtime_r(timep i64*, result tm*) tm*
gmtime(timep i64*) tm*
gmtime_r(timep i64*, result tm*) tm*
mktime(tm tm*) i64
strftime(str s, max u64, format s, tm tm*) u64
sched_yield() i32
sched_setaffinity(pid i32, cpusetsize u64, mask *) i32
syscall(number i64, arg1 i64, arg2 i64, arg3 i64, arg4 i64, arg5 i64) i64
pthread_create(thread u64*, attr *, start_routine *, arg *) i32
pthread_join(thread u64, retval **) i32
pthread_detach(thread u64) i32
pthread_exit(retval *) void
pthread_cancel(thread u64) i32
pthread_kill(thread u64, sig i32) i32
pthread_self() u64
pthread_setname_np(thread u64, name s) i32
pthread_mutex_init(mutex *, attr *) i32
pthread_mutex_destroy(mutex *) i32
pthread_mutex_lock(mutex *) i32
pthread_mutex_trylock(mutex *) i32
pthread_mutex_timedlock(mutex *, abstime timespec*) i32
pthread_mutex_unlock(mutex *) i32
pthread_rwlock_rdlock(rwlock *) i32
pthread_rwlock_wrlock(rwlock *) i32
pthread_rwlock_unlock(rwlock *) i32
pthread_spin_lock(lock i32*) i32
pthread_spin_unlock(lock i32*) i32
pthread_cond_wait(cond *, mutex *) i32
pthread_cond_timedwait(cond *, mutex *, abstime timespec*) i32
pthread_cond_signal(cond *) i32
pthread_cond_broadcast(cond *) i32
pthread_once(once_control i32*, init_routine *) i32
sem_init(sem *, pshared i32, value u32) i32
sem_wait(sem *) i32
sem_timedwait(sem *, abstime timespec*) i32
sem_post(sem *) i32
dlopen(file s, flags i32) *
dlsym(handle *, symbol s) *
dlclose(handle *) i32
dlerror() s
getpwnam(name s) passwd*
getpwnam_r(name s, pwd passwd*, buf *, buflen u64, result passwd**) i32
getpwuid(uid u32) passwd*
getpwuid_r(uid u32, pwd passwd*, buf *, buflen u64, result passwd**) i32
getgrnam(name s) group*
getgrgid(gid u32) group*
getlogin() s
openlog(ident s, option i32, facility i32) void
syslog(priority i32, format s) void
getopt(argc i32, argv s*, optstring s) i32
getrandom(buf *, buflen u64, flags u32) i64
rand() i32
random() i64
shm_open(name s, oflag i32, mode u32) i32
shmget(key i32, size u64, shmflg i32) i32
shmat(shmid i32, shmaddr *, shmflg i32) *
memfd_create(name s, flags u32) i32
`.trim(),
};
