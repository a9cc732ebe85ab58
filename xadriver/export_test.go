package xadriver

// LevelOf is the isolation level of a connection's transaction, or of statements outside
// of one, as the driver sees it.
func LevelOf(raw any) string { return raw.(*Conn).level().String() }

// ConnectorOf is whose connection it is.
func ConnectorOf(raw any) *Connector { return raw.(*Conn).connector }

// ForgetLevels makes the connector know no more what the shards give to transactions
// that do not say their level, as when it could not reach them.
func ForgetLevels(c *Connector, shard int) { c.defaults.levels[shard].Store(0) }
