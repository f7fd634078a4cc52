import { describe, expect, test } from 'bun:test'

import contract from '../../test/fixtures/contract/amplify-api.json' with { type: 'json' }
import { matchRoute, routes } from './routes.ts'

test('methods, paths and query members are those of the contract', () => {
  const expected = Object.entries(contract.operations).map(([name, { method, uri, input }]) => {
    const query = Object.values(input)
      .filter(({ location }) => location === 'querystring')
      .map(({ locationName, type }) => (type === 'list' ? `${locationName}*` : locationName))
    return [name, `${method} ${uri}${query.length > 0 ? `?${query.join('&')}` : ''}`]
  })
  expect(routes as Record<string, string>).toEqual(Object.fromEntries(expected) as Record<string, string>)
})

describe('matching', () => {
  test('members are what stands in their segment', () => {
    expect(matchRoute('DELETE', ['apps', 'd1', 'branches', 'feature/x', 'jobs', '7'])).toMatchObject({
      route: { name: 'DeleteJob' },
      members: { appId: 'd1', branchName: 'feature/x', jobId: '7' },
    })
  })

  test('a member may read like a literal', () => {
    expect(matchRoute('GET', ['apps', 'branches', 'branches', 'stop'])).toMatchObject({
      route: { name: 'GetBranch' },
      members: { appId: 'branches', branchName: 'stop' },
    })
  })

  test.each([
    ['GET', ['apps', '']],
    ['GET', ['apps', 'd1', '']],
    ['GET', ['', 'apps']],
    ['GET', ['apps', '', 'branches']],
    ['GET', ['Apps']],
    ['GET', ['apps', 'd1', 'branches', 'feature', 'x']],
    ['GET', []],
    ['GET', ['']],
    ['HEAD', ['apps']],
    ['get', ['apps']],
    ['PATCH', ['apps', 'd1']],
  ])('%s %j is no operation', (method, segments) => {
    expect(matchRoute(method, segments)).toBeUndefined()
  })
})
