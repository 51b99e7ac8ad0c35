"""HTTP/1.1 on the reactor. The bottom is pure: `wire` (messages), `headers`, `coding` (gzip, deflate), `errors`."""
