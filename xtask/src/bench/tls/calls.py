"""Both ends of a TLS connection in one process, and nothing between them but memory.

Each line on standard input is a size and a number of calls; the answer is a line of JSON: nanoseconds of each SSL_write and
of each SSL_read of that size, and whether the kernel has a breakpoint in this process.
"""

import json
import ssl
import sys
import time


def connect(certificate, key):
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    client_side = ssl.create_default_context(cafile=certificate)
    client = client_side.wrap_bio(to_client, to_server, server_hostname="localhost")
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for end in [client, server, client, server]:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
    return client, server


def measure(client, server, size, count):
    text, now = b"x" * size, time.perf_counter_ns
    writes, reads = [], []
    for _ in range(count):
        begun = now()
        client.write(text)
        written = now()
        got = server.read(size)
        read = now()
        if got != text:
            sys.exit("something else came out")
        writes.append(written - begun)
        reads.append(read - written)
    return writes, reads


def is_probed():
    with open("/proc/self/maps") as maps:
        return any(line.rstrip().endswith("[uprobes]") for line in maps)


client, server = connect(*sys.argv[1:3])
for line in sys.stdin:
    size, count = map(int, line.split())
    writes, reads = measure(client, server, size, count)
    print(json.dumps({"writes": writes, "reads": reads, "is_probed": is_probed()}), flush=True)
