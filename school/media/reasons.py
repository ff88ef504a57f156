"""Why a recording could not be taken or made playable, in a trainer's words: what happened, why, what to do, what is safe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from school.core.i18n import N_

REASONS: dict[str, str] = {
    "file.empty": N_("这个文件是空的，没有内容。请从原来的设备重新拷贝一次，再选择文件上传。标题和章节都还在。"),
    "file.not_media": N_("这个文件里没有能播放的画面或声音。可能选错了文件，或者文件名的后缀被改过。请重新选择视频或录音文件上传。标题和章节都还在。"),
    "file.refused": N_("这是一个列表或图形文件，不是录好的视频，所以没有打开它。请选择视频或录音文件（MP4、MOV、MKV、AVI、MP3）上传。标题和章节都还在。"),
    "file.unfinished": N_("这个文件不完整，缺少目录部分，播放器打不开。多半是录像没有正常停止就断了电。请用录像设备自带的修复功能处理，或者重新拷贝后再上传。标题和章节都还在。"),
    "file.truncated": N_("这个文件不完整，只有前 %(kept)s，后面没有内容（全长应为 %(expected)s）。多半是拷贝时提前拔出了 U 盘。请从原来的设备重新拷贝一次，再选择文件上传。标题、章节和简介都还在。"),
    "file.damaged": N_("这个文件在 %(at)s 处损坏，后面的内容读不出来。请从原来的设备重新拷贝一次，再选择文件上传。标题和章节都还在。"),
    "file.protected": N_("这个文件有版权保护，不能转码。请向提供者要一份没有加密的文件，再上传。标题和章节都还在。"),
    "file.codec": N_("这个文件的编码方式（%(codec)s）不能处理。请用剪辑软件另存为 MP4（H.264）后再上传。标题和章节都还在。"),
    "file.too_many_pixels": N_("这个视频的画面太大（%(width)s×%(height)s），不能转码。请用剪辑软件导出为 1920×1080 后再上传。标题和章节都还在。"),
    "file.too_long": N_("这个视频长 %(length)s，超过了一讲最长 %(limit)s 的限制。请剪成几段，分成几讲上传。标题和章节都还在。"),
    "file.too_short": N_("这个文件只有 %(length)s，不够成为一讲。可能选错了文件。请重新选择文件上传。标题和章节都还在。"),
    "file.slow_to_open": N_("这个文件很久都打不开，检查已经停止。请用剪辑软件另存为 MP4 后再上传。标题和章节都还在。"),
    "file.length_differs": N_("转码后的长度（%(made)s）和原文件（%(expected)s）对不上，为了不少计学时，没有采用。请先重试一次；还不行时，用剪辑软件另存为 MP4 后再上传。原文件还在。"),
    "upload.cancelled": N_("上传已经取消，传了一部分的文件已经清除。需要时请重新选择文件上传。标题和章节都还在。"),
    "upload.abandoned": N_("这个文件传了一部分就停了，已经放置多日，传过的部分已经清除。请重新选择文件上传。标题和章节都还在。"),
    "deck.not_pdf": N_("这不是 PDF 文件，课件没有换。请在演示软件里另存为 PDF，再选择文件上传。"),
    "deck.locked": N_("这份 PDF 有密码，打不开。请另存为一份没有密码的 PDF，再上传。"),
    "deck.damaged": N_("这份 PDF 已经损坏，读不出来。请在演示软件里重新另存为 PDF，再上传。"),
    "deck.too_many_pages": N_("课件最多 300 页。请分成几份，这堂课只上传要讲的部分。"),
    "deck.heavy": N_("这份 PDF 太复杂，很久都画不完。请在演示软件里重新另存为 PDF（选“最小文件大小”），再上传。"),
    "deck.fault": N_("课件没有准备好，故障已经记录下来。请再上传一次；还不行时，打服务电话告诉管理员。"),
    "store.lost": N_("保存原文件的地方找不到这个文件了。请打服务电话告诉管理员，并重新上传一次。标题和章节都还在。"),
    "store.altered": N_("保存的文件和上传时的不一样，为了稳妥没有使用。请打服务电话告诉管理员，并重新上传一次。标题和章节都还在。"),
    "store.away": N_("存放视频的地方一直连不上，转码停了下来。不用重新上传，原文件还在；恢复后点“重试”即可。"),
    "disk.full": N_("转码的机器磁盘满了，转码停了下来。请打服务电话告诉管理员腾出空间，再点“重试”。不用重新上传，原文件还在。"),
    "worker.died": N_("转码的机器多次中途停止，这个视频没有转完。请点“重试”；还不行时，打服务电话告诉管理员。不用重新上传，原文件还在。"),
    "worker.fault": N_("转码程序出了故障，已经记录下来。请点“重试”；还不行时，打服务电话告诉管理员。不用重新上传，原文件还在。"),
}  # fmt: skip

STAGES: dict[str, str] = {
    "": N_("排队等待处理"),
    "fetch": N_("正在取出原文件"),
    "probe": N_("正在检查文件"),
    "draw": N_("正在制作示范课"),
    "slides": N_("正在画课件"),
    "transcode": N_("正在转码"),
    "copy": N_("正在分段，画质不变"),
    "audio": N_("正在处理声音"),
    "store": N_("正在保存"),
    "verify": N_("正在核对长度"),
    "poster": N_("正在截取封面"),
    "storyboard": N_("正在制作预览图"),
    "loudness": N_("正在检查音量"),
}


def clock_time(ms: int) -> str:
    """`12:40` or `1:02:03`."""
    minutes, seconds = divmod(max(0, ms) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def sentence(code: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The source sentence of a reason and what fills its places; `kept_ms` fills `%(kept)s` as a clock time."""
    words = {k.removesuffix("_ms"): clock_time(v) if k.endswith("_ms") else v for k, v in params.items()}
    return REASONS.get(code, REASONS["worker.fault"]), words
