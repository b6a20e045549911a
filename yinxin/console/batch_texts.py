"""What the pages of batches say: (Chinese, English)."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "batch_title": ("批量签章", "A batch to seal"),
    "batch_lead": ("所有文件使用同一枚印章、同样的位置。", "All documents get the same seal at the same place."),
    "batch_documents": ("文件", "Documents"),
    "batch_documents_hint": ("可一次选择多个 PDF、OFD，或 ZIP 压缩包", "Several PDF and OFD files at once, or a ZIP archive of them"),
    "batch_missing": ("请选择至少一个文件。", "Choose at least one file."),
    "batch_start": ("开始签章", "Seal them"),
    "batch_started": ("批量签章已开始。", "The batch has begun."),
    "batch_cancelled": ("已停止，未处理的文件不再签章。", "Stopped: what waits is not sealed any more."),
    "batch_progress": ("已处理 {ready} / {total}", "{ready} of {total} done"),
    "batch_refresh": ("刷新进度", "Look again"),
    "batch_refresh_hint": (
        "处理在服务器上进行，可以离开本页，稍后再来。",
        "It goes on at the server: leave this page and come back as you like.",
    ),
    "batch_stop": ("停止", "Stop"),
    "batch_results": ("下载全部结果（ZIP）", "Fetch all results (ZIP)"),
    "batch_sealed": ("已签章", "sealed"),
    "batch_failed": ("失败", "failed"),
    "batch_waiting": ("等待", "waiting"),
    "batch_cancelled_count": ("已取消", "cancelled"),
    "batch_report": ("处理明细", "What became of each"),
    "batch_number": ("序号", "No."),
    "batch_name": ("文件名", "Name"),
    "batch_state": ("状态", "State"),
    "batch_result": ("结果", "Result"),
    "batch_item_waiting": ("等待", "waiting"),
    "batch_item_sealed": ("已签章", "sealed"),
    "batch_item_failed": ("失败", "failed"),
    "batch_item_cancelled": ("已取消", "cancelled"),
    "batch_mine": ("最近的批量任务", "Batches of late"),
    "batch_state_loading": ("载入中", "being read"),
    "batch_state_ready": ("待开始", "ready"),
    "batch_state_open": ("待开始", "open"),
    "batch_state_running": ("处理中", "under way"),
    "batch_state_done": ("已完成", "done"),
    "batch_state_cancelled": ("已停止", "stopped"),
}
