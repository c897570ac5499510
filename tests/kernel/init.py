# The first and only process of a kernel of the matrix (`cargo xtask test --kernels`), besides what it starts: mounts what
# the tests look at, runs them and turns the machine off. The first line, with the interpreter, is put before this.
import ctypes, fcntl, os, socket, struct, subprocess, termios

libc = ctypes.CDLL(None, use_errno=True)


def mount(kind, place):
    os.makedirs(place, exist_ok=True)
    if libc.mount(kind.encode(), place.encode(), kind.encode(), 0, None) != 0:
        print("GUEST cannot mount", kind, os.strerror(ctypes.get_errno()), flush=True)


def loopback():
    SIOCSIFFLAGS, UP = 0x8914, 1
    with socket.socket() as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", UP))


def tests():
    command = ["/tests", "--test-threads=1", "--nocapture"]
    if name := os.environ.get("MCPGW_FILTER"):
        command.append(name)
    return subprocess.run(command, cwd="/tmp", check=False).returncode


def main():
    os.environ["PATH"] = "/bin"
    print("GUEST", os.uname().release, flush=True)
    for kind, place in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("securityfs", "/sys/kernel/security"),
        ("devtmpfs", "/dev"),
        ("tmpfs", "/tmp"),
        ("tmpfs", "/run"),
        ("cgroup2", "/sys/fs/cgroup"),
    ]:
        mount(kind, place)
    loopback()
    print("GUEST END", tests(), flush=True)
    termios.tcdrain(1)


try:
    main()
finally:
    POWER_OFF = 0x4321FEDC
    libc.reboot(POWER_OFF)
