"""Notebook kernels that refuse to talk to other machines: what runs in one needs no network.

IPython runs the files in the startup folder of its profile before the first cell, so the folder that
``quiet_profile`` makes, named by the variable IPYTHONDIR, is all that a kernel needs.
"""

import socket
from pathlib import Path

HERE = {"localhost", "127.0.0.1", "::1", "", None}  # kernels talk to their notebook over these


def quiet_profile(folder):
    """Make an IPython folder in ``folder`` whose kernels have no network; returns its path for IPYTHONDIR."""
    startup = Path(folder) / "profile_default" / "startup"
    startup.mkdir(parents=True)
    # One expression: a kernel's first cell must not find names that it did not import.
    line = f"__import__('runpy').run_path({str(Path(__file__).resolve())!r}, run_name='a kernel')\n"
    (startup / "00_no_network.py").write_text(line, encoding="utf-8")
    return str(folder)


def refuse(host):
    if host not in HERE:
        raise OSError(f"no network here: the tests run the book's notebooks without one, and this asked for {host!r}")


def refuse_other_machines():
    """Connections and look-ups of names fail in this process, unless they stay on this machine."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connect_here(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse(address[0])
        return connect(self, address)

    def look_up_here(host, *arguments, **options):
        refuse(host)
        return look_up(host, *arguments, **options)

    socket.socket.connect, socket.getaddrinfo = connect_here, look_up_here


if __name__ == "a kernel":
    refuse_other_machines()
