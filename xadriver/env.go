package xadriver

import (
	"fmt"
	"os"
	"strings"
)

// expand puts environment variables into a value: ${NAME}, ${NAME:-default}, and
// $$ for a dollar. What comes from the environment is taken as it is.
func expand(value string) (string, error) {
	if !strings.Contains(value, "$") {
		return value, nil
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(value, "$")
		b.WriteString(before)
		switch {
		case !found:
			return b.String(), nil
		case strings.HasPrefix(rest, "$"):
			b.WriteByte('$')
			value = rest[1:]
		case strings.HasPrefix(rest, "{"):
			inside, after, closed := strings.Cut(rest[1:], "}")
			if !closed {
				return "", fmt.Errorf("%q has no closing brace", "${"+clip(rest[1:]))
			}
			name, def, hasDefault := strings.Cut(inside, ":-")
			v, set := os.LookupEnv(name)
			switch {
			case set && (v != "" || !hasDefault):
				b.WriteString(v)
			case hasDefault:
				b.WriteString(def)
			default:
				return "", fmt.Errorf("the environment variable %q is not set; set it, or write ${%s:-default}", clip(name), clip(name))
			}
			value = after
		default:
			b.WriteByte('$')
			value = rest
		}
	}
}
