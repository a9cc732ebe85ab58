package pglog

import "context"

// SynchronousCommit tells the setting in a session that writes and in one that reads.
func (l *Log) SynchronousCommit(ctx context.Context) (writing, reading string, err error) {
	conn, err := l.place.connect(ctx, newKey(), nil)
	if err != nil {
		return "", "", err
	}
	defer discard(conn)
	if err := conn.QueryRow(ctx, "SHOW synchronous_commit").Scan(&writing); err != nil {
		return "", "", err
	}
	err = l.readers.QueryRow(ctx, "SHOW synchronous_commit").Scan(&reading)
	return writing, reading, err
}
