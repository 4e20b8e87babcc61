package upstream

import "time"

// SetOpenTimeout changes how long a stream may take to open.
func (u *Upstream) SetOpenTimeout(d time.Duration) { u.openTimeout = d }
