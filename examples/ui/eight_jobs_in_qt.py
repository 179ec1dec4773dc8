"""Eight jobs in a table of Qt, each of which can be cancelled as long as it runs."""

import sys

from PySide6.QtWidgets import QApplication, QGridLayout, QLabel, QProgressBar, QPushButton, QWidget

from rxgradio import Client
from rxgradio.ui import bind

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
CALLS = ["/render 8", "/render 40", "/render 90", "/scan 1", "/scan 2", "/scan 3"]
CALLS += ["/divide 12 4", "/divide 12 0"]

app = QApplication([])
app.setStyle("Fusion")
app.setStyleSheet("""
    * { font-size: 14px } .QWidget { background: white }
    QPushButton { background: #e3e8ef; border-radius: 5px; padding: 6px 18px }
    QPushButton:disabled { background: #f3f5f8; color: #b4bcc8 }
""")
window = QWidget(windowTitle="Eight jobs")
table = QGridLayout(window, horizontalSpacing=24, verticalSpacing=11)
table.setContentsMargins(28, 24, 28, 28)
columns = {"Call": 90, "Status": 210, "Progress": 150, "Result": 170}
for column, (title, width) in enumerate(columns.items()):
    table.addWidget(QLabel(f"<b>{title}</b>"), 0, column)
    table.setColumnMinimumWidth(column, width)
window.show()

with Client(ADDRESS) as client:
    for row, call in enumerate(CALLS, 1):
        status, bar, output, cancel = QLabel(), QProgressBar(), QLabel(), QPushButton("Cancel")
        for column, widget in enumerate((QLabel(call), status, bar, output, cancel)):
            table.addWidget(widget, row, column)
        api_name, *inputs = call.split()
        job = client.submit(*map(float, inputs), api_name=api_name)
        bind(job, status=status, progress=bar, output=output, cancel=cancel)
        bind(job, on=bar, error=lambda e, it=status: it.setStyleSheet("color: #c22" if e else ""))
    app.exec()
