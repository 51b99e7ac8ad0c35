"""The media type of a file, by its name. A table of our own: the machine's differs from machine to machine."""

from __future__ import annotations

from collections.abc import Mapping

UNKNOWN = "application/octet-stream"

TYPES: Mapping[str, str] = {
    suffix: kind
    for kind, suffixes in {
        "application/epub+zip": "epub",
        "application/gzip": "gz tgz",  # also `.tar.gz`: the archive is what was asked for, gzip is no coding of it
        "application/json": "json map",
        "application/manifest+json": "webmanifest",
        "application/pdf": "pdf",
        "application/rtf": "rtf",
        "application/vnd.oasis.opendocument.spreadsheet": "ods",
        "application/vnd.oasis.opendocument.text": "odt",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "application/wasm": "wasm",
        "application/x-7z-compressed": "7z",
        "application/x-bzip2": "bz2",
        "application/x-sh; charset=utf-8": "sh",
        "application/x-tar": "tar",
        "application/x-xz": "xz",
        "application/xhtml+xml; charset=utf-8": "xhtml",
        "application/xml": "xml xsl rss atom",
        "application/yaml": "yaml yml",
        "application/zip": "zip whl jar",
        "application/zstd": "zst",
        "audio/aac": "aac",
        "audio/flac": "flac",
        "audio/midi": "mid midi",
        "audio/mp4": "m4a",
        "audio/mpeg": "mp3",
        "audio/ogg": "oga ogg opus",
        "audio/wav": "wav",
        "font/otf": "otf",
        "font/ttf": "ttf",
        "font/woff": "woff",
        "font/woff2": "woff2",
        "image/avif": "avif",
        "image/bmp": "bmp",
        "image/gif": "gif",
        "image/jpeg": "jpg jpeg",
        "image/png": "png",
        "image/svg+xml; charset=utf-8": "svg",
        "image/tiff": "tif tiff",
        "image/vnd.microsoft.icon": "ico",
        "image/webp": "webp",
        "text/calendar; charset=utf-8": "ics",
        "text/css; charset=utf-8": "css",
        "text/csv; charset=utf-8": "csv",
        "text/html; charset=utf-8": "html htm",
        "text/javascript; charset=utf-8": "js mjs",
        "text/markdown; charset=utf-8": "md",
        "text/plain; charset=utf-8": "txt text log conf ini cfg toml rst py c h cc cpp hpp go rs java rb pl diff patch",
        "text/tab-separated-values; charset=utf-8": "tsv",
        "text/vtt; charset=utf-8": "vtt",
        "video/mp2t": "ts",
        "video/mp4": "mp4 m4v",
        "video/mpeg": "mpg mpeg",
        "video/ogg": "ogv",
        "video/quicktime": "mov",
        "video/webm": "webm",
        "video/x-matroska": "mkv",
        "video/x-msvideo": "avi",
    }.items()
    for suffix in suffixes.split()
}
"""Suffixes in lower case, without their dot."""


def type_of(name: str, more: Mapping[str, str] | None = None) -> str:
    """The type of a file called `name`; `more` comes before the table.

    >>> type_of("app.MJS"), type_of("backup.tar.gz"), type_of("README")
    ('text/javascript; charset=utf-8', 'application/gzip', 'application/octet-stream')
    """
    stem, dot, suffix = name.rpartition(".")
    suffix = suffix.lower() if stem and dot else ""
    return (more or {}).get(suffix) or TYPES.get(suffix, UNKNOWN)
