# SPDX-License-Identifier: GPL-2.0-or-later
# Takes the spaces and line ends out of JavaScript that nobody needs but its readers: those beside a sign, outside of
# strings. A line that a string goes on behind stays as it is, and one that a statement may end with, its end.

BEGIN {
	WIDTH = 400
}

function is_word(c) {
	return c ~ /[[:alnum:]_$\\]/
}

{
	out = quote = ""
	n = length($0)
	for (i = 1; i <= n; i++) {
		c = substr($0, i, 1)
		if (quote != "") {
			if (c == "\\")
				c = c substr($0, ++i, 1)
			else if (c == quote)
				quote = ""
		} else if (c ~ /['"`]/) {
			quote = c
		} else if (c == " ") {
			before = substr(out, length(out), 1)
			after = substr($0, i + 1, 1)
			if (!(is_word(before) && is_word(after)) && !(before == after && before ~ /[-+]/))
				continue
		}
		out = out c
	}
	if (quote != "")
		out = $0
	width += length(out)
	if (quote == "" && out ~ /[,;({[]$/ && width < WIDTH) {
		printf "%s", out
	} else {
		print out
		width = 0
	}
}

END {
	if (width)
		print ""
}
