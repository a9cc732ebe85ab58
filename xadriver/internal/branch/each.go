package branch

import "sync"

// Each calls f for all branches at once, waits, and returns the error that came
// first. The first branch's call runs on the caller's goroutine.
func Each[T any](items []T, f func(T) error) error {
	switch len(items) {
	case 0:
		return nil
	case 1:
		return f(items[0])
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	note := func(err error) {
		if err == nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = err
		}
	}
	for _, item := range items[1:] {
		wg.Go(func() { note(f(item)) })
	}
	note(f(items[0]))
	wg.Wait()
	return first
}
