#!/usr/bin/env python3
"""The files of `bench/web.py` from nginx: one worker, in this process, so that its CPU is counted as the others' is."""

import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

CONF = """
daemon off; master_process off; pid {here}/pid; error_log {here}/error.log; worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
    access_log off; default_type application/octet-stream; keepalive_requests 100000000; sendfile on; tcp_nopush on;
    client_body_temp_path {here}/a; proxy_temp_path {here}/b; fastcgi_temp_path {here}/c; uwsgi_temp_path {here}/d;
    scgi_temp_path {here}/e;
    server {{ listen 127.0.0.1:{port} backlog=1024; root {root}; }}
}}
"""

if __name__ == "__main__":
    program = shutil.which("nginx") or sys.exit("nginx is not installed")
    root, port = Path(sys.argv[1].removeprefix("--root=")), int(sys.argv[-1].removeprefix("--port="))
    if not port:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
    here = tempfile.mkdtemp(prefix="bench-nginx", dir=root)
    (Path(here) / "conf").write_text(CONF.format(here=here, root=root, port=port))
    print(f"listening on 127.0.0.1:{port}", flush=True)
    os.execv(program, [program, "-e", f"{here}/error.log", "-c", f"{here}/conf"])
