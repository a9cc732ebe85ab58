//go:build race

package plan_test

// every says which of many statements are tried: the race detector takes its time.
const every = 10
