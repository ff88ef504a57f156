"""The shapes of a question, told once: what is asked (`body`), what is right (`key`) and what is answered (`answer`).

All places are counted from 0 in the order the author wrote them; a sitting's own order is undone before an answer is kept.

| kind | body, beside `stem` and `media` | key | answer |
|---|---|---|---|
| single | options | `{"right": [2]}` | `[2]` |
| multiple | options | `{"right": [0, 1, 3]}` | `[0, 3]`, ascending |
| judge | | `{"right": true}` | `true` |
| fill | `blanks` (how many `____` stand in the stem) | `{"blanks": [["1921", "一九二一"], …]}`, variants | `["1921", …]` |
| order | options | `{"order": [2, 0, 1]}`, options from first to last | `[2, 0, 1]` |
| match | left, right (right may be longer) | `{"pairs": [1, 0, 2]}`, the right one of each left | `[1, null, 2]` |
| short | `limit` (characters, 20 to 2000) | `{"model": "…"}`, what a good answer says | `"…"` |

`stem` is text whose lines are paragraphs; `media` is a list of QuestionFile ids shown under the text. An option, left or
right is `{"text": …, "media": [ids]}`. An answer of None is one that was taken back.
"""
