# SPDX-License-Identifier: GPL-2.0-or-later
# Takes the spaces out of JavaScript that nobody needs but its readers: those beside a sign, outside of strings. Lines
# stay as they are, and so do those that a string or a template goes on behind.

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
	print quote == "" ? out : $0
}
