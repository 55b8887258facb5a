/** The columns that are read from the library's metadata mean what they are taken for. */
import { getExampleNumber, isPossiblePhoneNumber, isValidPhoneNumber } from 'libphonenumber-js/core'
import metadata from 'libphonenumber-js/min/metadata'
import examples from 'libphonenumber-js/mobile/examples'
import { expect, test } from 'vitest'
import { isInternational, isNational, isPossible, phoneRegions } from './phone_plans.ts'

const numbers = phoneRegions.flatMap((region) => {
  const example = getExampleNumber(region as 'US', examples, metadata)
  return example === undefined ? [] : [{ region, example }]
})

test('examples of all regions are numbers, as the library says', () => {
  expect(numbers.length).toBeGreaterThan(230)
  for (const { region, example } of numbers) {
    const digits = example.number.slice(1)
    expect(isValidPhoneNumber(example.number, metadata), region).toBe(true)
    expect([isPossible(digits), isInternational(digits)], region).toEqual([true, true])
    expect(isNational(example.nationalNumber, [region]), region).toBe(true)
    for (const wrong of [`${digits}00000000`, digits.slice(0, 5)])
      expect(isPossible(wrong) && !isPossiblePhoneNumber(`+${wrong}`, metadata), `${region} ${wrong}`).toBe(false)
  }
})

test('national numbers go with or without their prefix, and by region', () => {
  expect(isNational('07700900123', ['GB'])).toBe(true)
  expect(isNational('7700900123', ['GB'])).toBe(true)
  expect(isNational('13812345678', ['CN'])).toBe(true)
  expect(isNational('13812345678', ['GB', 'FR'])).toBe(false)
  expect(isNational('2813882583', [])).toBe(false)
})
