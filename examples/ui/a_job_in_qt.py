"""A job in a window of Qt."""

import sys

from PySide6 import QtWidgets

from rxgradio import Client
from rxgradio.ui import bind

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

app = QtWidgets.QApplication([])
app.setStyle("Fusion")
app.setStyleSheet("""
    * { font-size: 15px; color: #1c2430; background: white; border: 0; border-radius: 5px }
    QProgressBar { background: #e3e8ef; min-height: 10px; max-height: 10px }
    QProgressBar::chunk { background: #2f7de1; border-radius: 5px }
    QPlainTextEdit { background: #f3f5f8; padding: 10px }
    QPushButton { background: #e3e8ef; padding: 7px 20px }
    QPushButton:disabled { background: #f3f5f8; color: #b4bcc8 }
""")
window = QtWidgets.QWidget(windowTitle="A summary", minimumWidth=640, minimumHeight=400)
status, bar = QtWidgets.QLabel(), QtWidgets.QProgressBar(textVisible=False)
text, cancel = QtWidgets.QPlainTextEdit(readOnly=True), QtWidgets.QPushButton("Cancel")
layout = QtWidgets.QGridLayout(window, verticalSpacing=14)
layout.setContentsMargins(24, 20, 24, 24)
layout.setColumnStretch(0, 1)
layout.addWidget(status, 0, 0)
layout.addWidget(cancel, 0, 1)
layout.addWidget(bar, 1, 0, 1, 2)
layout.addWidget(text, 2, 0, 1, 2)
window.show()

with Client(ADDRESS) as client:
    job = client.submit(5, api_name="/summarise")
    bind(job, status=status, progress=bar, output=text, cancel=cancel)
    app.exec()
