"""Does what it is told, and says what came of it."""
import errno, os, signal, subprocess, threading

def uring(path):
    OPENAT, AT_FDCWD = 18, -100
    result = ask(OPENAT, AT_FDCWD, 0, ctypes.create_string_buffer(path.encode()))
    if result < 0:
        raise OSError(-result, "openat")

def thread(path):
    failed = []
    def run():
        try: open(path).close()
        except OSError as error: failed.append(error)
    other = threading.Thread(target=run)
    other.start(); other.join()
    if failed: raise failed[0]

def forked(path):
    child = os.fork()
    if child == 0:
        try: open(path).close()
        except OSError as error: os._exit(error.errno)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status: raise OSError(status, "read")

def memory(program):
    with open(program, "rb") as text:
        copy = os.memfd_create("copy")
        os.write(copy, text.read())
    try:
        subprocess.run([f"/proc/self/fd/{copy}"], stdin=subprocess.DEVNULL, check=True, pass_fds=[copy])
    finally:
        os.close(copy)

def crowd(count):
    children, failed = [], None
    for _ in range(int(count)):
        try:
            child = os.fork()
        except OSError as error:
            failed = error
            break
        if child == 0:
            signal.pause()
            os._exit(0)
        children.append(child)
    for child in children: os.kill(child, signal.SIGKILL)
    for child in children: os.waitpid(child, 0)
    if failed: raise failed

# Workers start children at the same moment, which try and end; says how many of them it was let.
def storm(path):
    told, tell = os.pipe()
    go, gone = os.pipe()
    workers = []
    for _ in range(8):
        worker = os.fork()
        if worker == 0:
            os.close(gone)
            os.read(go, 1)
            free = 0
            for _ in range(60):
                child = os.fork()
                if child == 0:
                    try: os.close(os.open(path, os.O_RDONLY))
                    except OSError: os._exit(0)
                    os._exit(1)
                free += os.waitpid(child, 0)[1] != 0
            os.write(tell, bytes([free]))
            os._exit(0)
        workers.append(worker)
    os.close(tell); os.close(go); os.close(gone)
    counts = b""
    while more := os.read(told, 8): counts += more
    for worker in workers: os.waitpid(worker, 0)
    os.close(told)
    if len(counts) != 8: raise OSError(errno.ECHILD, "workers")
    if sum(counts): raise OSError(errno.EEXIST, "free")

ACTS = {
    "read": lambda a: open(a).close(),
    "write": lambda a: open(a, "r+").close(),
    "make": lambda a: open(a, "x").close(),
    "list": os.listdir,
    "cut": lambda a: os.truncate(a, 0),
    "open-cut": lambda a: os.close(os.open(a, os.O_RDONLY | os.O_TRUNC)),
    "remove": os.remove,
    "rmdir": os.rmdir,
    "move": os.rename,
    "link": os.link,
    "symlink": os.symlink,
    "mkfifo": os.mkfifo,
    "run": lambda a: subprocess.run([a], stdin=subprocess.DEVNULL, check=True),
    "memory": memory, "thread": thread, "forked": forked, "uring": uring, "crowd": crowd, "storm": storm,
}
say("ready")
while True:
    act, *arguments = hear().split()
    try:
        ACTS[act](*arguments)
        say("ok")
    except OSError as error:
        say(errno.errorcode[error.errno])
