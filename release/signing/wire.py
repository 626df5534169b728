"""The data types of SSH that keys and signatures are made of (RFC 4251, section 5)."""

from __future__ import annotations


def string(data: bytes) -> bytes:
    """Return ``data`` behind its length."""
    return len(data).to_bytes(4, "big") + data


def mpint(number: int) -> bytes:
    """Return a number of at least 0; a zero byte in front where the first bit would make it negative."""
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big") if number else b"")


class Reader:
    """Takes values from the start of ``data``, never more than there is. Every method raises ValueError."""

    def __init__(self, data: bytes) -> None:
        self._rest = data

    def take(self, count: int) -> bytes:
        """Take ``count`` bytes."""
        if count > len(self._rest):
            raise ValueError("it ends too early")
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def uint32(self) -> int:
        """Take a number of four bytes."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Take a string."""
        return self.take(self.uint32())

    def mpint(self) -> int:
        """Take a number of at least 0, in the only form it has."""
        data = self.string()
        number = int.from_bytes(data, "big")
        if string(data) != mpint(number):
            raise ValueError("a number is negative or not in its shortest form")
        return number

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self._rest:
            raise ValueError("something follows its end")
