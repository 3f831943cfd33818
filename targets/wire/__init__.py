"""The wire protocol (docs/wire-protocol.md): frames, messages, and the byte streams that carry them."""
