package xadriver

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

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
				return "", errors.New("a ${ has no closing brace; write $$ for a dollar")
			}
			name, def, hasDefault := strings.Cut(inside, ":-")
			v, set := os.LookupEnv(name)
			switch {
			case set && (v != "" || !hasDefault):
				b.WriteString(v)
			case hasDefault:
				b.WriteString(def)
			case !variable.MatchString(name): // it may be a part of a password
				return "", errors.New("what stands between ${ and } is no variable's name; write $$ for a dollar")
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
