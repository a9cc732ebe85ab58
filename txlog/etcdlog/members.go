package etcdlog

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
)

// members are those that the URL names. One is asked as long as it answers, and then
// the next one: with a client that spreads its requests, a member that is frozen would
// cost a part of them their patience again and again.
type members struct {
	mu      sync.Mutex
	place   *place
	secure  *tls.Config
	clients []*clientv3.Client // those that were needed
	current int
}

// open looks at the certificates; connections are made when they are needed.
func (m *members) open(p *place) (err error) {
	m.place = p
	m.clients = make([]*clientv3.Client, len(p.endpoints))
	m.current = rand.IntN(len(p.endpoints))
	if p.secure {
		if m.secure, err = p.tls.ClientConfig(); err != nil {
			return fmt.Errorf("etcdlog: the certificates for the decision log %s: %w", p.where, err)
		}
	}
	return nil
}

// reconnect is how a member that was lost is tried again: one that is back after hours
// is not to be missed for minutes, as the default would.
var reconnect = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
	MinConnectTimeout: 2 * time.Second,
}

// failFast makes a request fail when there is no connection, where the client would
// wait for one: there are other members, and what is wrong is worth knowing.
func failFast(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	return invoke(ctx, method, request, reply, conn, append(options, grpc.WaitForReady(false))...)
}

// client is the one to ask now, and which one it is.
func (m *members) client() (*clientv3.Client, int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	client, err := m.make(m.current)
	return client, m.current, err
}

// at is a client of member i.
func (m *members) at(i int) (*clientv3.Client, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.make(i)
}

// make makes a client of member i, unless there is one. Where there is a user, that
// means to sign in.
func (m *members) make(i int) (*clientv3.Client, error) {
	if m.clients[i] != nil {
		return m.clients[i], nil
	}
	options := []grpc.DialOption{grpc.WithConnectParams(reconnect), grpc.WithChainUnaryInterceptor(failFast)}
	if name := m.place.tls.ServerName; name != "" {
		options = append(options, grpc.WithAuthority(name)) // else the host's name comes first
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: m.place.endpoints[i : i+1], TLS: m.secure, Username: m.place.user, Password: m.place.password,
		DialKeepAliveTime: 10 * time.Second, DialKeepAliveTimeout: 3 * time.Second, // more often is not what members put up with
		MaxUnaryRetries: 1, // repeating is done by those who know what it means
		Logger:          zap.NewNop(),
		DialTimeout:     m.place.timeout / attempts, // for signing in
		DialOptions:     options,
	})
	if err == nil {
		m.clients[i] = client
	}
	return client, err
}

// leave goes on to the next member, unless somebody has done so already.
func (m *members) leave(i int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current == i {
		m.current = (i + 1) % len(m.clients)
	}
}

// connected tells whether there is a connection to the current member.
func (m *members) connected() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	client := m.clients[m.current]
	return client != nil && client.ActiveConnection().GetState() == connectivity.Ready
}

func (m *members) close() (err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, client := range m.clients {
		if client != nil {
			if e := client.Close(); e != nil {
				err = e
			}
		}
	}
	return err
}
