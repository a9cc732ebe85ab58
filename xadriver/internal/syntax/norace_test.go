//go:build !race

package syntax_test

// every says which of many statements are tried: all of them.
const every = 1
