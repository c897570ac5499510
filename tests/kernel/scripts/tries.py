"""Connects in every way to a port that is given, and says what came of each."""
import errno, socket, subprocess, sys

def word(act):
    try:
        act()
        return "ok"
    except ConnectionRefusedError:
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]

def tcp(family, host, port):
    with socket.socket(family) as s:
        s.settimeout(5)
        s.connect((host, port))

def udp(family, host, port):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", (host, port))

def fast_open(port):
    with socket.socket() as s:
        s.sendto(b"x", 0x20000000, ("127.0.0.1", port))

def uring(port):
    with socket.socket() as s:
        address = ctypes.create_string_buffer(struct.pack("=HH4s8x", 2, socket.htons(port), socket.inet_aton("127.0.0.1")))
        CONNECT = 16
        result = ask(CONNECT, s.fileno(), 16, address)
    if result < 0 and -result != errno.ECONNREFUSED:
        raise OSError(-result, "connect")

def child(port):
    script = f"import socket; s=socket.socket(); s.settimeout(5); r=s.connect_ex(('127.0.0.1',{port})); print(r)"
    command = f"({sys.executable} -c \"{script}\"; true)"
    result = int(subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.PIPE, check=True).stdout)
    if result not in (0, errno.ECONNREFUSED):
        raise OSError(result, "connect")

def listen(port):
    with socket.socket() as s:
        s.bind(("127.0.0.1", port))

def tries(port):
    v4, v6 = socket.AF_INET, socket.AF_INET6
    ways = {
        "tcp4": lambda: tcp(v4, "127.0.0.1", port), "tcp6": lambda: tcp(v6, "::1", port),
        "mapped": lambda: tcp(v6, "::ffff:127.0.0.1", port),
        "udp4": lambda: udp(v4, "127.0.0.1", port), "udp6": lambda: udp(v6, "::1", port),
        "fast": lambda: fast_open(port), "uring": lambda: uring(port), "child": lambda: child(port),
        "listen": lambda: listen(0),
    }
    return " ".join(f"{name}={word(act)}" for name, act in ways.items())

hear()
while True:
    port = hear()
    if port == "end":
        break
    say(tries(int(port)))
