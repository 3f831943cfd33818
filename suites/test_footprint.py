"""What memory do firmware, image and activations take?"""

from itertools import pairwise


def test_image(board, deployment, record):
    """The image and the activations of its largest subnetwork fit the memory that the device offers."""
    image = deployment.image
    record.value("image_bytes", len(deployment.content), unit="bytes")
    for level in image.levels:
        record.value("arena_bytes", level.arena_bytes, unit="bytes", subnet=level.name)

    loaded = board.load(deployment.content, deployment.sha256)
    assert loaded.arena_bytes == image.arena_bytes
    assert loaded.level_count == len(deployment.network.bundle.subnets)
    assert len(deployment.content) + loaded.arena_bytes <= board.identity.pool_bytes
    assert all(larger.arena_bytes >= smaller.arena_bytes for larger, smaller in pairwise(image.levels))


def test_firmware(board, firmware, record):
    """The firmware that answers is the one whose sections are measured."""
    record.value("flash_bytes", firmware.flash_bytes, unit="bytes")
    record.value("ram_bytes", firmware.ram_bytes, unit="bytes")

    assert board.identity.firmware_sha256 == firmware.sha256
    assert board.identity.pool_bytes == firmware.pool_bytes
