package xadriver

import (
	"database/sql/driver"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// ownPrefix marks the driver's settings among a single shard's.
const ownPrefix = "xapg."

// parseSingle reads the DSN of a single shard.
func parseSingle(dsn string) (*Config, error) {
	cfg := &Config{}
	var err error
	if strings.Contains(dsn, ownPrefix) {
		if dsn, err = cfg.ownSettings(dsn); err != nil {
			return nil, err
		}
	}
	cfg.Shards = []Shard{{Name: "main", DSN: dsn}}
	return cfg, cfg.Validate()
}

// ownSettings takes the driver's settings out of a DSN, and leaves the rest as it is.
func (c *Config) ownSettings(dsn string) (rest string, err error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		dsn, fragment, marked := strings.Cut(dsn, "#")
		if marked {
			fragment = "#" + fragment
		}
		head, query, _ := strings.Cut(dsn, "?")
		var kept []string
		for _, p := range strings.Split(query, "&") {
			if !strings.HasPrefix(p, ownPrefix) {
				kept = append(kept, p)
				continue
			}
			name, value, _ := strings.Cut(strings.TrimPrefix(p, ownPrefix), "=")
			if value, err = url.QueryUnescape(value); err != nil {
				return "", &ConfigError{Source: "dsn", Path: ownPrefix + name, Problem: "its value cannot be read"}
			}
			if err := c.ownSetting(word{name: name, value: value}); err != nil {
				return "", err
			}
		}
		if len(kept) == 0 {
			return head + fragment, nil
		}
		return head + "?" + strings.Join(kept, "&") + fragment, nil
	}
	words, err := keywords(dsn)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	at := 0
	for _, w := range words {
		name, ok := strings.CutPrefix(w.name, ownPrefix)
		if !ok {
			continue
		}
		if err := c.ownSetting(word{name: name, value: w.value}); err != nil {
			return "", err
		}
		b.WriteString(dsn[at:w.from])
		at = w.to
	}
	b.WriteString(dsn[at:])
	return b.String(), nil
}

func (c *Config) ownSetting(w word) error {
	s := settingNamed(w.name)
	if s == nil {
		return unknown("dsn", ownPrefix+w.name, w.name, settingNames())
	}
	if err := s.set(c, w.value); err != nil {
		return &ConfigError{Source: "dsn", Path: ownPrefix + w.name, Problem: err.Error(), Valid: []string{s.Valid}}
	}
	return nil
}

// singleConnector leads to the only shard there is, the way pgx would.
func singleConnector(cfg *Config) (driver.Connector, error) {
	s := cfg.Shards[0]
	switch {
	case s.Connector != nil:
		return s.Connector, nil
	case s.Pgx == nil && len(s.Options) == 0 && cfg.OnNotice == nil && len(s.Replicas) == 0:
		d := stdlib.GetDefaultDriver().(driver.DriverContext)
		return d.OpenConnector(s.DSN)
	}
	config, err := s.pgx(cfg)
	if err != nil {
		return nil, err
	}
	if len(s.Replicas) > 0 && config.ValidateConnect == nil {
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	return stdlib.GetConnector(*config, s.Options...), nil
}

// pgx is the configuration by which pgx reaches a shard.
func (s *Shard) pgx(cfg *Config) (*pgx.ConnConfig, error) {
	var config *pgx.ConnConfig
	if s.Pgx != nil {
		config = s.Pgx.Copy()
	} else {
		var err error
		if config, err = pgx.ParseConfig(s.DSN); err != nil {
			return nil, checkShardDSN(*s) // pgx quotes the DSN in its errors, and that may hold a password
		}
	}
	if err := s.withReplicas(config); err != nil {
		return nil, err
	}
	s.listen(cfg, config)
	return config, nil
}

// withReplicas adds the hosts of the shard's standbys: whichever of them is the
// primary is the shard.
func (s *Shard) withReplicas(config *pgx.ConnConfig) error {
	for i, dsn := range s.Replicas {
		path := fmt.Sprintf("shards.%s.replicas[%d]", s.Name, i)
		r, err := pgx.ParseConfig(dsn)
		if err != nil {
			return &ConfigError{Path: path, Problem: "this DSN cannot be read" + reason(err) + " (it is not shown, as it may hold a password)",
				Valid: []string{"postgres://user@host:port/database", "host=… port=… dbname=… user=…"}}
		}
		if r.User != config.User || r.Database != config.Database {
			return &ConfigError{Path: path, Problem: "a standby has the same users and databases as its primary, so this DSN must differ in its host and port only"}
		}
		config.Fallbacks = append(config.Fallbacks, &pgconn.FallbackConfig{Host: r.Host, Port: r.Port, TLSConfig: r.TLSConfig})
		config.Fallbacks = append(config.Fallbacks, r.Fallbacks...)
	}
	return nil
}

// listen passes the shard's notices on.
func (s *Shard) listen(cfg *Config, config *pgx.ConnConfig) {
	tell, name := cfg.OnNotice, s.Name
	if tell == nil {
		return
	}
	before := config.OnNotice
	config.OnNotice = func(conn *pgconn.PgConn, n *pgconn.Notice) {
		if before != nil {
			before(conn, n)
		}
		tell(name, n)
	}
}
