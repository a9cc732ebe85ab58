package shard

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// hostWait bounds how long one of several hosts may take to accept a connection,
// before the next one is tried.
const hostWait = 5 * time.Second

// leading is what connects to the shard's server: to the only host there is, or to
// whichever of several is the primary.
func (s *Shard) leading(config pgx.ConnConfig) driver.Connector {
	hosts := Hosts(&config)
	if len(hosts) > 1 || s.options.Asking {
		before := config.ValidateConnect
		config.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
			if before != nil {
				if err := before(ctx, conn); err != nil {
					return err
				}
			}
			return s.primary(ctx, conn, len(hosts))
		}
	}
	if len(hosts) <= 1 {
		return stdlib.GetConnector(config, s.options.Pgx...)
	}
	s.replicated.Store(true)
	return &leader{s, config, hosts}
}

// Hosts are the ways to each of the hosts that a configuration names.
func Hosts(config *pgx.ConnConfig) [][]*pgconn.FallbackConfig {
	first := &pgconn.FallbackConfig{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}
	hosts := [][]*pgconn.FallbackConfig{{first}}
	for _, f := range config.Fallbacks {
		last := len(hosts) - 1
		if at := hosts[last][0]; at.Host == f.Host && at.Port == f.Port {
			hosts[last] = append(hosts[last], f) // the same one, with or without TLS
			continue
		}
		hosts = append(hosts, []*pgconn.FallbackConfig{f})
	}
	return hosts
}

// leader connects to one of several hosts: it begins with the one that was the primary
// last, so that a host which does not answer costs its time only once.
type leader struct {
	shard  *Shard
	config pgx.ConnConfig
	hosts  [][]*pgconn.FallbackConfig
}

func (l *leader) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

func (l *leader) Connect(ctx context.Context) (driver.Conn, error) {
	lead := int(l.shard.lead.Load())
	var errs []error
	for i := range l.hosts {
		at := (lead + i) % len(l.hosts)
		config, ways := l.config, l.hosts[at]
		config.Host, config.Port, config.TLSConfig, config.Fallbacks = ways[0].Host, ways[0].Port, ways[0].TLSConfig, ways[1:]
		if config.ConnectTimeout <= 0 || config.ConnectTimeout > hostWait {
			config.ConnectTimeout = hostWait
		}
		conn, err := stdlib.GetConnector(config, l.shard.options.Pgx...).Connect(ctx)
		if err == nil {
			l.shard.lead.Store(int32(at)) //nolint:gosec // there are not that many hosts
			return conn, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}
