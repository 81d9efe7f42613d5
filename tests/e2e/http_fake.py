# SPDX-License-Identifier: Apache-2.0
"""An HTTP server of a test."""
import threading
from http.server import ThreadingHTTPServer


class HttpFake(ThreadingHTTPServer):
    """Serves handler on a free port of loopback, until stop()."""
    daemon_threads = True
    # Of more than this many that arrive at once the kernel loses some, each for a second or three.
    request_queue_size = 512

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()
