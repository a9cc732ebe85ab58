package shardmap

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The kinds of failure of a conversion to a key; every *ConversionError is one of
// them by errors.Is.
var (
	// ErrOutOfRange: a number that the type cannot hold. No row has it.
	ErrOutOfRange = errors.New("value out of range")
	// ErrInvalid: PostgreSQL would refuse the value, for this type and whatever its settings.
	ErrInvalid = errors.New("invalid value")
	// ErrAmbiguous: what the value means depends on settings or the version of the
	// server (DateStyle, TimeZone, the day it is), or xapg is not sure to read it as
	// the server would. It is refused rather than guessed.
	ErrAmbiguous = errors.New("ambiguous value")
	// ErrUnsupported: a Go value of a kind that cannot be a key of this type.
	ErrUnsupported = errors.New("unsupported Go value")
)

// ConversionError says that a value is no key of a type, and why.
type ConversionError struct {
	// Type is what the value should have become.
	Type Type
	// Kind is one of ErrOutOfRange, ErrInvalid, ErrAmbiguous and ErrUnsupported.
	Kind error
	// State is PostgreSQL's SQLSTATE for the case, or empty where the server would
	// not have complained.
	State string
	// Detail says what is wrong with the value and what to write instead.
	Detail string
	// Err is what a driver.Valuer returned, if that is the reason.
	Err error

	value string
}

// Error never shows more than 40 characters of the value.
func (e *ConversionError) Error() string {
	var b strings.Builder
	if e.value != "" {
		b.WriteString(e.value)
		b.WriteByte(' ')
	}
	b.WriteString("cannot be a key of type ")
	b.WriteString(e.Type.String())
	b.WriteString(": ")
	b.WriteString(e.Detail)
	return b.String()
}

// Unwrap gives the kind, and the cause if there is one.
func (e *ConversionError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// SQLState is PostgreSQL's code for the error, empty if it has none.
func (e *ConversionError) SQLState() string { return e.State }

const (
	stateInvalidText   = "22P02"
	stateOutOfRange    = "22003"
	stateDatetimeField = "22008"
	stateTimeZone      = "22009"
	stateTooLong       = "22001"
	stateParameter     = "22023"
	stateEncoding      = "22021"
)

func invalid(t Type, text, detail string) error {
	return &ConversionError{Type: t, Kind: ErrInvalid, State: stateInvalidText, Detail: detail, value: quoteForMessage(text)}
}

func refused(t Type, kind error, state, text, detail string) error {
	return &ConversionError{Type: t, Kind: kind, State: state, Detail: detail, value: quoteForMessage(text)}
}

func ambiguous(t Type, text, detail string) error {
	return refused(t, ErrAmbiguous, "", text, detail)
}

// maxShown bounds what a message shows of a value, in characters.
const maxShown = 40

func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	n := 0
	for i := range s {
		if n++; n == maxShown {
			return s[:i] + "…"
		}
	}
	return s
}

// quoteForMessage quotes so that the contents cannot break out of a message: no
// control characters, no more than maxShown characters of the value.
func quoteForMessage(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strconv.Quote(clip(s))
}
