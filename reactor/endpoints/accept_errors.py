"""What accept(2) may report, and what it means. Pure data."""

from __future__ import annotations

import errno

# What accept(2) may report, and what it means. EAGAIN: nobody waits. Whatever is in no table is a fault of the
# listening socket itself (EINVAL: it was shut down; EBADF, ENOTSOCK: its number was closed or replaced behind our
# back). It does not heal, and to ask again would spin: that socket is given up.

LOST = frozenset(
    getattr(errno, name)
    for name in (
        "ECONNABORTED", "ECONNRESET", "EPROTO", "EPERM", "ENETDOWN", "ENETUNREACH", "ENONET", "EHOSTDOWN",
        "EHOSTUNREACH", "ENOPROTOOPT", "EOPNOTSUPP", "ETIMEDOUT", "ESOCKTNOSUPPORT", "EPROTONOSUPPORT",
    )
    if hasattr(errno, name)
)  # fmt: skip
"""What the network or a firewall did to a connection that was not accepted yet: it is gone, on to the next."""

BROKEN = frozenset({errno.EBADF, errno.ENOTSOCK, errno.EINVAL, errno.EFAULT})
"""This is no socket that can accept, and will not be one again. Whatever stands in neither table may pass, as a
shortage of descriptors or memory does: the newcomer waits in the backlog meanwhile."""

FOREIGN = frozenset({errno.EBADF, errno.ENOTSOCK})
"""The number is no longer our socket's: to close it would close somebody else's file."""
