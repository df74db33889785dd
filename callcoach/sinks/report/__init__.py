"""The report: one page that explains a call to its agent and plays it, without anything from outside."""

from callcoach.sinks.report.audio import ReportAudio, encode_audio
from callcoach.sinks.report.page import report_html

__all__ = ["ReportAudio", "encode_audio", "report_html"]
