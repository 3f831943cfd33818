"""A run as one HTML file that needs no server and no network, and its figures as files."""

from harness.report.collect import Report, collect
from harness.report.files import write_figures
from harness.report.page import write_page

__all__ = ["Report", "collect", "write_figures", "write_page"]
