"""Opening a native library by the names it may have, without a process for each name it does not have."""

from __future__ import annotations

import ctypes
import ctypes.util
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cffi import FFI


def open_library(ffi: FFI, name: str) -> tuple[Any, str]:
    """A library by its file or name, and that name. OSError where the loader does not know it.

    The loader is asked first: of a name that it cannot open, cffi asks compiler and linker, which takes some thirty milliseconds.
    """
    ctypes.CDLL(name)
    return ffi.dlopen(name), name


def find_library(ffi: FFI, names: Iterable[str], linker_names: Iterable[str]) -> tuple[Any, str] | None:
    """The first of ``names`` that the loader knows, else what the linker finds by one of its names (``crypto`` for libcrypto); None for none."""
    for name in chain(names, filter(None, map(ctypes.util.find_library, linker_names))):
        try:
            return open_library(ffi, name)
        except OSError:
            continue  # the next name; the caller says what was looked for when none is left
    return None
