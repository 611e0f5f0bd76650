"""Asks of the kernel that let a process be on time; none needs a privilege, none is required."""

import ctypes
import os
import platform
import struct

SLICE_NS = 100_000
"""The shortest time slice there is."""

# Not in Python's os module: <linux/prctl.h>, <asm/unistd.h>, <linux/sched/types.h>.
_PR_SET_TIMERSLACK = 29
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
_ATTRIBUTES = "=IIQiIQQQ"


def be_woken_on_time() -> None:
    """Have waits of this process end when they should: the kernel may add 50 µs to each."""
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(1))


def ask_for_short_slices() -> None:
    """Have this process given a CPU soon after it has something to do.

    The kernel lets others finish their slice of some milliseconds first, unless one asks for a
    shorter slice itself (Linux 6.12; older ones take no notice). One gets no more CPU by that.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if number:
        # Size, policy (as all are), flags, nice, priority, slice, deadline, period.
        size = struct.calcsize(_ATTRIBUTES)
        wish = struct.pack(_ATTRIBUTES, size, 0, 0, os.nice(0), 0, SLICE_NS, 0, 0)
        ctypes.CDLL(None).syscall(number, 0, ctypes.create_string_buffer(wish, size), 0)
