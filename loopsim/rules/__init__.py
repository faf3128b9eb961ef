"""What a partner must and must not do: pure functions over what went over the wire. No I/O, no clock."""
