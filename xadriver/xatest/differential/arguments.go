package differential

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// arguments reads a list such as 1 | 'text' | NULL | 2.5 | true.
func arguments(text string) ([]any, error) {
	var list []any
	for rest := text; ; {
		end, err := argumentEnd(rest)
		if err != nil {
			return nil, err
		}
		arg, err := argument(strings.TrimSpace(rest[:end]))
		if err != nil {
			return nil, err
		}
		list = append(list, arg)
		if end == len(rest) {
			return list, nil
		}
		rest = rest[end+1:]
	}
}

// argumentEnd is where the first bar is that stands outside of quotes.
func argumentEnd(s string) (int, error) {
	inside := false
	for i := range len(s) {
		switch {
		case s[i] == '\'':
			inside = !inside
		case s[i] == '|' && !inside:
			return i, nil
		}
	}
	if inside {
		return 0, errors.New("an argument has no closing quote")
	}
	return len(s), nil
}

func argument(s string) (any, error) {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'"), nil
	}
	switch strings.ToLower(s) {
	case "null":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f, nil
	}
	return nil, fmt.Errorf("%q is no argument: write numbers, 'text', true, false or NULL, with | between them", s)
}
