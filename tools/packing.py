"""Zips that are the same on every system, and that all can read when they are unpacked."""

from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo


def pack(contents, output):
    """Write a zip of ``contents``, [(path, bytes or file)]. The same contents give the same bytes on every system."""
    with ZipFile(output, "w") as archive:
        for name, content in contents:
            entry = ZipInfo(name)  # with the same date always
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content if isinstance(content, bytes) else content.read_bytes(), ZIP_DEFLATED)
