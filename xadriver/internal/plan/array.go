package plan

import "strings"

// blanks are what PostgreSQL's array_in takes for blanks.
const blanks = " \t\n\r\v\f"

// arrayElements reads a one-dimensional array as PostgreSQL writes it, without
// its NULLs: {a,"b, c",NULL}.
func arrayElements(text string) ([]string, bool) {
	text = strings.Trim(text, blanks)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return nil, false
	}
	rest := text[1 : len(text)-1]
	if strings.Trim(rest, blanks) == "" {
		return nil, true
	}
	var list []string
	for {
		rest = strings.TrimLeft(rest, blanks)
		var element string
		quoted := strings.HasPrefix(rest, `"`)
		if quoted {
			var b strings.Builder
			i := 1
			for ; i < len(rest) && rest[i] != '"'; i++ {
				if rest[i] == '\\' {
					i++
				}
				if i < len(rest) {
					b.WriteByte(rest[i])
				}
			}
			if i >= len(rest) {
				return nil, false
			}
			element, rest = b.String(), strings.TrimLeft(rest[i+1:], blanks)
		} else {
			end := strings.IndexByte(rest, ',')
			if end < 0 {
				end = len(rest)
			}
			element, rest = strings.Trim(rest[:end], blanks), rest[end:]
			if element == "" || strings.ContainsAny(element, `{}"\`) {
				return nil, false
			}
		}
		if quoted || !strings.EqualFold(element, "NULL") {
			list = append(list, element)
		}
		if rest == "" {
			return list, true
		}
		if rest[0] != ',' {
			return nil, false
		}
		rest = rest[1:]
	}
}
