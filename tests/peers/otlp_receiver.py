"""Receives OTLP logs over HTTP and reads them with OpenTelemetry's own classes.

Usage: otlp_receiver.py FILE. Prints its port, and appends each record to FILE as a line of JSON. Each line on standard
input says how the next request is answered: a status, and `reject` where the records are to be turned down in a
success, and is acknowledged with the line `heard`. Without one it is a success.
"""

import json
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

answers = queue.Queue()
out = open(sys.argv[1], "a", buffering=1)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            status, *how = answers.get_nowait().split()
        except queue.Empty:
            status, how = "200", []
        response = ExportLogsServiceResponse()
        if status == "200":
            request = ExportLogsServiceRequest.FromString(body)
            for resource in request.resource_logs:
                about = MessageToDict(resource.resource)
                for scope in resource.scope_logs:
                    for record in scope.log_records:
                        told = {
                            "path": self.path,
                            "authorization": self.headers.get("authorization"),
                            "type": self.headers.get("content-type"),
                            "resource": about,
                            "scope": scope.scope.name,
                            "record": MessageToDict(record),
                        }
                        if how:
                            response.partial_success.rejected_log_records += 1
                        else:
                            out.write(json.dumps(told) + "\n")
        text = response.SerializeToString()
        self.send_response(int(status))
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
for line in sys.stdin:
    answers.put(line)
    print("heard", flush=True)
