package origin

// Known counts what is remembered.
func Known() (n int) {
	server.shards.Range(func(any, any) bool { n++; return true })
	return n
}
