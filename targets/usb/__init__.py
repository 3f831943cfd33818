"""The boards on this computer's USB: what hangs where, which kind it is, and the port behind a serial number or a USB path."""

from targets.usb.boards import BOOTSEL, Bus, Mode, UsbBoard
from targets.usb.locate import located, names, on_usb
from targets.usb.system_bus import SystemBus

__all__ = ["BOOTSEL", "Bus", "Mode", "SystemBus", "UsbBoard", "located", "names", "on_usb"]
