"""What memory do firmware, image and activations take?"""


def test_image(board, deployment, record):
    """The image and its arena fit the memory that the device offers, and the arena holds a subnetwork at least."""
    image = deployment.image
    record.value("image_bytes", len(deployment.content), unit="bytes")
    loaded = board.load(deployment.content, deployment.sha256)
    if loaded.bytes_per_s is not None:
        record.value("load_bytes_per_s", loaded.bytes_per_s, unit="bytes/s", better="higher", deterministic=False)
    for level, arena_bytes in zip(image.levels, loaded.level_arena_bytes, strict=True):
        record.value("arena_bytes", arena_bytes, unit="bytes", subnet=level.name)
        assert arena_bytes >= level.activation_bytes

    assert min(loaded.level_arena_bytes) <= loaded.arena_bytes <= max(loaded.level_arena_bytes)
    in_ram = 0 if loaded.built_in else len(deployment.content)
    assert in_ram + loaded.arena_bytes <= board.identity.pool_bytes


def test_firmware(board, firmware, record):
    """The firmware that answers is the one whose sections are measured."""
    record.value("flash_bytes", firmware.flash_bytes, unit="bytes")
    record.value("ram_bytes", firmware.ram_bytes, unit="bytes")

    assert board.identity.firmware_sha256 == firmware.sha256
    assert board.identity.pool_bytes == firmware.pool_bytes
