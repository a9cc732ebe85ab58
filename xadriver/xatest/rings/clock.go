package main

import "golang.org/x/sys/unix"

// monotonic is the host's own clock, the same in all of its processes.
func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // every system of ours has it
	}
	return ts.Nano()
}
